// The original authors' checkpoints have no golden folders of their own: here the tensors of one that has are renamed,
// turned, fused and put into the original's container. The reference's numbers must come out again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "support/checkpoint_writers.hpp"
#include "support/golden_family.hpp"
#include "support/naive_layers.hpp"
#include "support/renamed_tensors.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

using test::GoldenFamily;
using test::TinyTensor;
using test::TinyTensors;
using testing::HasSubstr;

LoadOptions with_heads(const GoldenFamily& golden) {
  LoadOptions options;
  options.num_heads = golden.num_heads();
  return options;
}

/// The same for DINOv2, whose own evaluation feeds 224 px whatever the position embeddings are for.
LoadOptions as_golden(const GoldenFamily& golden) {
  LoadOptions options = with_heads(golden);
  options.image_size = golden.image_size();
  return options;
}

TinyTensor transposed(const TinyTensor& tensor) {
  return test::permuted(tensor, {1, 0});
}

/// Google's: convolutions [P, P, 3, D], linear layers [in, out], the heads of q, k, v and of their mixture apart.
TinyTensors google_vit(const GoldenFamily& golden) {
  TinyTensors tensors = golden.tensors;
  const std::size_t width = tensors.at("cls_token").values.size();
  const std::size_t heads = golden.num_heads();
  test::change(tensors, R"(patch_embed\.proj\.weight)", [](const TinyTensor& t) {
    return test::permuted(t, {2, 3, 1, 0});
  });
  test::split(tensors, ".attn.qkv.", {".query.", ".key.", ".value."});
  test::change(tensors, R"(.*\.(query|key|value)\.weight)", [&](const TinyTensor& t) {
    return test::reshaped(transposed(t), {width, heads, width / heads});
  });
  test::change(tensors, R"(.*\.(query|key|value)\.bias)", [&](const TinyTensor& t) {
    return test::reshaped(t, {heads, width / heads});
  });
  test::change(tensors, R"(.*\.attn\.proj\.weight)", [&](const TinyTensor& t) {
    return test::reshaped(transposed(t), {heads, width / heads, width});
  });
  test::change(tensors, R"((.*\.mlp\.fc[12]|head)\.weight)", transposed);
  const std::string block = "Transformer/encoderblock_$1/";
  const std::string attention = block + "MultiHeadDotProductAttention_1/";
  return test::renamed(tensors, {{"cls_token", "cls"},
                                 {"pos_embed", "Transformer/posembed_input/pos_embedding"},
                                 {R"(patch_embed\.proj\.weight)", "embedding/kernel"},
                                 {R"(patch_embed\.proj\.bias)", "embedding/bias"},
                                 {R"(blocks\.(\d+)\.norm1\.weight)", block + "LayerNorm_0/scale"},
                                 {R"(blocks\.(\d+)\.norm1\.bias)", block + "LayerNorm_0/bias"},
                                 {R"(blocks\.(\d+)\.norm2\.weight)", block + "LayerNorm_2/scale"},
                                 {R"(blocks\.(\d+)\.norm2\.bias)", block + "LayerNorm_2/bias"},
                                 {R"(blocks\.(\d+)\.(query|key|value)\.weight)", attention + "$2/kernel"},
                                 {R"(blocks\.(\d+)\.(query|key|value)\.bias)", attention + "$2/bias"},
                                 {R"(blocks\.(\d+)\.attn\.proj\.weight)", attention + "out/kernel"},
                                 {R"(blocks\.(\d+)\.attn\.proj\.bias)", attention + "out/bias"},
                                 {R"(blocks\.(\d+)\.mlp\.fc1\.weight)", block + "MlpBlock_3/Dense_0/kernel"},
                                 {R"(blocks\.(\d+)\.mlp\.fc1\.bias)", block + "MlpBlock_3/Dense_0/bias"},
                                 {R"(blocks\.(\d+)\.mlp\.fc2\.weight)", block + "MlpBlock_3/Dense_1/kernel"},
                                 {R"(blocks\.(\d+)\.mlp\.fc2\.bias)", block + "MlpBlock_3/Dense_1/bias"},
                                 {R"(norm\.weight)", "Transformer/encoder_norm/scale"},
                                 {R"(norm\.bias)", "Transformer/encoder_norm/bias"},
                                 {R"(head\.weight)", "head/kernel"},
                                 {R"(head\.bias)", "head/bias"}});
}

TEST(GoogleNpz, GivesTheReferencesLogitsStoredAndDeflatedAndTellsItsHeadsItself) {
  const GoldenFamily golden("timm_vit_cls");
  for (const bool deflated : {false, true}) {
    const test::TempFolder folder;
    test::write_npz(folder / "ViT-B_16.npz", google_vit(golden), deflated);
    const ModelInfo info = inspect_model(folder / "ViT-B_16.npz");
    EXPECT_EQ(info.architecture.family, "Google ViT");
    EXPECT_EQ(info.format, "npz");
    EXPECT_EQ(info.architecture.num_heads, golden.num_heads());
    EXPECT_EQ(info.weight_bytes, 4 * info.parameters);
    EXPECT_EQ(info.architecture.pos_embed_resampling, PosEmbedResampling::kGoogle);
    test::expect_same_logits(test::forward_golden(golden, folder / "ViT-B_16.npz").logits, golden.values("logits"));
  }
}

TEST(GoogleNpz, IsRefusedWithALayerBeforeTheHeadThatWouldBeLeftOut) {
  const test::TempFolder folder;
  TinyTensors tensors = google_vit(GoldenFamily("timm_vit_cls"));
  tensors["pre_logits/kernel"] = test::some_tensor({48, 48});
  test::write_npz(folder / "imagenet21k.npz", tensors);
  try {
    (void)inspect_model(folder / "imagenet21k.npz");
    FAIL();
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), HasSubstr("'pre_logits/kernel' [48, 48] is unexpected"));
  }
}

TEST(TorchvisionPth, GivesTheReferencesLogitsWithTheOldNamesOfTheMlpToo) {
  const GoldenFamily golden("torchvision_vit");
  const TinyTensors legacy = test::renamed(
      golden.tensors,
      {{R"((.*\.mlp\.)0(\..*))", "$1linear_1$2"}, {R"((.*\.mlp\.)3(\..*))", "$1linear_2$2"}, {"(.*)", "$1"}});
  const test::TempFolder folder;
  for (const TinyTensors& tensors : {golden.tensors, legacy}) {
    test::write_pth(folder / "vit_b_16-c867db91.pth", tensors);
    const auto result = test::forward_golden(golden, folder / "vit_b_16-c867db91.pth", with_heads(golden));
    test::expect_same_logits(result.logits, golden.values("logits"));
  }
}

TEST(DeitPth, GivesTheReferencesLogitsFromUnderModel) {
  const GoldenFamily golden("timm_deit_distilled");
  const test::TempFolder folder;
  const auto file = folder / "deit_tiny_distilled_patch16_224-b40b3cf7.pth";
  test::write_pth(file, golden.tensors, "model");
  const auto result = test::forward_golden(golden, file, with_heads(golden));
  test::expect_same_logits(result.logits, golden.values("logits"));
  test::expect_same_features(result.pooled, golden.values("pooled"));
}

TEST(Deit3Pth, GivesTheReferencesLogitsWithItsNamesOfTheLayerScales) {
  const GoldenFamily golden("timm_deit3");
  const TinyTensors tensors =
      test::renamed(golden.tensors, {{R"((blocks\.\d+)\.ls(\d)\.gamma)", "$1.gamma_$2"}, {"(.*)", "$1"}});
  const test::TempFolder folder;
  test::write_pth(folder / "deit_3_small_224_1k.pth", tensors, "model");
  const auto result = test::forward_golden(golden, folder / "deit_3_small_224_1k.pth", with_heads(golden));
  test::expect_same_logits(result.logits, golden.values("logits"));
}

TEST(DinoPth, GivesTheReferencesFeaturesAloneAndAsATeacherWithItsTrainingHead) {
  const GoldenFamily golden("timm_vit_cls");
  TinyTensors backbone = golden.tensors;
  test::take(backbone, "head.");
  const test::TempFolder folder;
  const auto expect_features = [&](const std::string& file) {
    const auto result = test::forward_golden(golden, folder / file, with_heads(golden));
    EXPECT_TRUE(result.logits.empty());
    test::expect_same_features(result.features, golden.values("pooled"));
    EXPECT_EQ(inspect_model(folder / file, with_heads(golden)).architecture.pos_embed_resampling,
              PosEmbedResampling::kBicubicOffset);
  };
  test::write_pth(folder / "dino_deitsmall8_pretrain.pth", backbone);
  expect_features("dino_deitsmall8_pretrain.pth");

  TinyTensors teacher = test::renamed(backbone, {{"(.*)", "backbone.$1"}});
  teacher["head.mlp.0.weight"] = test::some_tensor({16, 48});
  teacher["head.mlp.0.bias"] = test::some_tensor({16});
  teacher["head.last_layer.weight_g"] = test::some_tensor({16, 1});
  test::write_pth(folder / "dino_deitsmall8_full.pth", teacher, "teacher");
  expect_features("dino_deitsmall8_full.pth");
  test::write_pth(folder / "parallel.pth", test::renamed(teacher, {{"(.*)", "module.$1"}}), "teacher");
  expect_features("parallel.pth");
}

/// facebookresearch/dinov2's names for what transformers has as q, k and v. The classifier keeps its own.
TinyTensors original_dinov2(const GoldenFamily& golden) {
  TinyTensors tensors = golden.tensors;
  test::fuse(tensors, {".attention.attention.query.", ".attention.attention.key.", ".attention.attention.value."},
             ".attn.qkv.");
  const std::string top = R"(dinov2\w*\.)";
  const std::string block = top + R"(encoder\.layer\.(\d+)\.)";
  return test::renamed(tensors, {{top + R"(embeddings\.(cls_token|mask_token|register_tokens))", "$1"},
                                 {top + R"(embeddings\.position_embeddings)", "pos_embed"},
                                 {top + R"(embeddings\.patch_embeddings\.projection\.(.*))", "patch_embed.proj.$1"},
                                 {block + R"((norm\d\..*|attn\.qkv\..*|mlp\.fc\d\..*))", "blocks.$1.$2"},
                                 {block + R"(attention\.output\.dense\.(.*))", "blocks.$1.attn.proj.$2"},
                                 {block + R"(layer_scale(\d)\.lambda1)", "blocks.$1.ls$2.gamma"},
                                 {block + R"(mlp\.weights_in\.(.*))", "blocks.$1.mlp.w12.$2"},
                                 {block + R"(mlp\.weights_out\.(.*))", "blocks.$1.mlp.w3.$2"},
                                 {top + R"(layernorm\.(.*))", "norm.$1"},
                                 {R"((classifier\..*))", "$1"}});
}

class OriginalDinov2 : public testing::TestWithParam<const char*> {};

TEST_P(OriginalDinov2, GivesTheReferencesFeaturesAndWithItsLinearHeadTheLogits) {
  const GoldenFamily golden(GetParam());
  const test::TempFolder folder;
  TinyTensors backbone = original_dinov2(golden);
  const TinyTensors head = test::take(backbone, "classifier.");
  ASSERT_TRUE(backbone.contains("mask_token"));
  test::write_pth(folder / "dinov2_vits14_pretrain.pth", backbone);
  auto pooled = golden.values("pooled");
  const auto headless = test::forward_golden(golden, folder / "dinov2_vits14_pretrain.pth", as_golden(golden));
  EXPECT_TRUE(headless.logits.empty());
  test::expect_same_features(headless.features, {pooled.begin(), pooled.begin() + std::ptrdiff_t(pooled.size() / 2)});

  test::write_pth(folder / "dinov2_vits14_linear_head.pth", head);
  const auto result = test::forward_golden(golden, folder.path(), as_golden(golden));
  test::expect_same_logits(result.logits, golden.values("logits"));
  test::expect_same_features(result.pooled, pooled);
  const Architecture a = inspect_model(folder.path(), as_golden(golden)).architecture;
  EXPECT_EQ(a.family, "DINOv2");
  EXPECT_EQ(inspect_model(folder.path(), with_heads(golden)).architecture.image_size, (Size{224, 224}));
  EXPECT_EQ(a.pos_embed_resampling,
            a.num_register_tokens > 0 ? PosEmbedResampling::kAntialiased : PosEmbedResampling::kBicubicOffset);
}

INSTANTIATE_TEST_SUITE_P(Golden, OriginalDinov2, testing::Values("hf_dinov2", "hf_dinov2_reg", "hf_dinov2_swiglu"),
                         [](const auto& chosen) { return std::string(chosen.param); });

/// The class tokens of these blocks and the mean patch of the last, all behind the norm (dinov2/hub/classifiers.py).
std::vector<float> naive_linear_features(const std::vector<std::vector<float>>& blocks, const TinyTensors& tensors) {
  const std::vector<float>& weight = tensors.at("norm.weight").values;
  std::vector<float> features;
  std::vector<float> normed;
  for (const std::vector<float>& block : blocks) {
    normed = test::naive_layer_norm(block, weight, tensors.at("norm.bias").values, 1e-6);
    features.insert(features.end(), normed.begin(), normed.begin() + std::ptrdiff_t(weight.size()));
  }
  const auto mean = test::naive_patch_mean(normed, weight.size(), 1);
  features.insert(features.end(), mean.begin(), mean.end());
  return features;
}

TEST(OriginalDinov2LinearHeads, OfSeveralBlocksReadTheReferencesBlocks) {
  // The reference has two blocks: a head of both reads three widths.
  const GoldenFamily golden("hf_dinov2");
  TinyTensors backbone = original_dinov2(golden);
  test::take(backbone, "classifier.");
  const TinyTensors head{{"weight", test::some_tensor({5, 3 * 48})}, {"bias", test::some_tensor({5})}};
  const test::TempFolder folder;
  test::write_pth(folder / "dinov2_vits14_pretrain.pth", backbone);
  test::write_pth(folder / "dinov2_vits14_linear2_head.pth", head);
  const auto features = naive_linear_features({golden.values("block_0"), golden.values("block_1")}, backbone);
  const auto logits = test::naive_linear(head.at("weight"), head.at("bias").values, features);
  const auto result = test::forward_golden(golden, folder.path(), as_golden(golden));
  test::expect_same_features(result.pooled, features);
  test::expect_same_logits(result.logits, logits);
}

TEST(OriginalDinov2LinearHeads, OfFourBlocksReadTheLastFourInOrder) {
  const GoldenFamily golden("hf_dinov2");
  TinyTensors backbone = original_dinov2(golden);
  test::take(backbone, "classifier.");
  // Six blocks: the reference's two, three times.
  for (const auto& [name, tensor] : TinyTensors(backbone)) {
    if (!name.starts_with("blocks.")) continue;
    for (const int again : {2, 4}) {
      backbone["blocks." + std::to_string(name[7] - '0' + again) + name.substr(8)] = tensor;
    }
  }
  const TinyTensors head{{"weight", test::some_tensor({6, 5 * 48})}, {"bias", test::some_tensor({6})}};
  const test::TempFolder folder;
  test::write_pth(folder / "dinov2_vits14_pretrain.pth", backbone);
  test::write_pth(folder / "dinov2_vits14_linear4_head.pth", head);
  std::vector<std::vector<float>> blocks;
  ForwardRequest request;
  request.tokens = [&](std::size_t, std::size_t block, MatrixView<const float> tokens) {
    if (block > 2) blocks.emplace_back(tokens.values().begin(), tokens.values().end());
  };
  const auto result = test::forward_golden(golden, folder.path(), as_golden(golden), request);
  ASSERT_EQ(blocks.size(), 4U);
  const auto features = naive_linear_features(blocks, backbone);
  const auto logits = test::naive_linear(head.at("weight"), head.at("bias").values, features);
  test::expect_same_features(result.pooled, features);
  test::expect_same_logits(result.logits, logits);
  // Without an observer the last block takes a shorter way where it may.
  EXPECT_EQ(test::forward_golden(golden, folder.path(), as_golden(golden)).logits, result.logits);
}

TEST(OpenAiClip, GivesTheReferencesFeaturesProjectedAndLeavesTheTextTowerAlone) {
  const GoldenFamily golden("timm_clip_quickgelu");
  TinyTensors tensors = golden.tensors;
  test::take(tensors, "head.");
  test::change(tensors, "cls_token", [](const TinyTensor& t) { return test::reshaped(t, {48}); });
  test::change(tensors, "pos_embed", [](const TinyTensor& t) { return test::reshaped(t, {17, 48}); });
  const std::string block = "visual.transformer.resblocks.$1.";
  tensors = test::renamed(tensors, {{"cls_token", "visual.class_embedding"},
                                    {"pos_embed", "visual.positional_embedding"},
                                    {R"(patch_embed\.proj\.weight)", "visual.conv1.weight"},
                                    {R"(norm_pre\.(.*))", "visual.ln_pre.$1"},
                                    {R"(norm\.(.*))", "visual.ln_post.$1"},
                                    {R"(blocks\.(\d+)\.norm(\d)\.(.*))", block + "ln_$2.$3"},
                                    {R"(blocks\.(\d+)\.attn\.qkv\.(.*))", block + "attn.in_proj_$2"},
                                    {R"(blocks\.(\d+)\.attn\.proj\.(.*))", block + "attn.out_proj.$2"},
                                    {R"(blocks\.(\d+)\.mlp\.fc1\.(.*))", block + "mlp.c_fc.$2"},
                                    {R"(blocks\.(\d+)\.mlp\.fc2\.(.*))", block + "mlp.c_proj.$2"}});
  tensors["visual.proj"] = test::some_tensor({48, 20});
  tensors["logit_scale"] = {{}, {4.5F}};
  for (const char* text : {"transformer.resblocks.0.ln_1.weight", "token_embedding.weight", "positional_embedding",
                           "ln_final.bias", "text_projection"}) {
    tensors[text] = test::some_tensor({4, 4});
  }
  const test::TempFolder folder;
  test::write_pth(folder / "ViT-B-16.pth", tensors);
  const auto result = test::forward_golden(golden, folder / "ViT-B-16.pth", with_heads(golden));
  test::expect_same_features(result.pooled, golden.values("pooled"));
  test::expect_same_features(result.features,
                             test::naive_linear(transposed(tensors.at("visual.proj")), {}, golden.values("pooled")));
  const ModelInfo info = inspect_model(folder / "ViT-B-16.pth", with_heads(golden));
  EXPECT_EQ(info.architecture.family, "OpenAI CLIP");
  ASSERT_TRUE(info.logit_scale.has_value());
  EXPECT_FLOAT_EQ(*info.logit_scale, std::exp(4.5F));
}

TEST(OriginalDinoV3, KnowsItsHeadsItsSizeAndWhatItWasTrainedOn) {
  const auto golden = test::source_dir() / "tests/golden/families/dinov3_original";
  for (const bool satellite : {false, true}) {
    const test::TempFolder folder;
    const char* name =
        satellite ? "dinov3_vitl16_pretrain_sat493m-eadcf0ff.pth" : "dinov3_vits16_pretrain_lvd1689m.pth";
    std::filesystem::copy_file(golden / "pytorch_model.bin", folder / name);
    const ModelInfo info = inspect_model(folder / name);
    EXPECT_EQ(info.architecture.family, "DINOv3");
    EXPECT_EQ(info.architecture.num_heads, 3U) << "by the periods, which each head has";
    EXPECT_EQ(info.architecture.image_size, (Size{224, 224}));
    EXPECT_EQ(info.architecture.num_classes, 0U) << "a file alone has no head";
    EXPECT_EQ(info.recipe.resize_size, (Size{256, 256}));
    EXPECT_EQ(info.recipe.mean[0], satellite ? 0.430F : 0.485F);
  }
}

}  // namespace
}  // namespace fovea
