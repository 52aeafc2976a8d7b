// Checkpoints and configs that would be computed wrongly: each is refused, with everything that is wrong in one
// message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "support/golden_family.hpp"
#include "support/naive_vit.hpp"
#include "support/renamed_tensors.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

using nlohmann::json;
using test::GoldenFamily;
using testing::AllOf;
using testing::HasSubstr;

/// What loading says; "accepted" if it has nothing to say. Every error comes with a hint.
std::string refusal(const std::filesystem::path& model, const LoadOptions& options = {},
                    ErrorCode code = ErrorCode::kCheckpoint) {
  try {
    (void)inspect_model(model, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_FALSE(error.hint().empty()) << error.what();
    return error.what();
  }
  return "accepted";
}

/// The same for a golden folder with changed tensors and config.
std::string refusal(const test::TinyTensors& tensors, const json& config) {
  const test::TempFolder folder;
  test::write_safetensors(folder / "model.safetensors", tensors);
  if (!config.is_null()) std::ofstream(folder / "config.json") << config;
  return refusal(folder.path());
}

TEST(ModelFaults, AreAllInOneMessage) {
  const GoldenFamily golden("timm_deit3");
  auto tensors = golden.tensors;
  tensors.erase("blocks.1.attn.proj.bias");
  tensors["norm.weight"] = test::some_tensor({47});
  tensors["blocks.0.attn.extra_norm.weight"] = test::some_tensor({48});
  tensors["blocks.2.norm2.bias"] = test::some_tensor({48});
  EXPECT_THAT(refusal(tensors, golden.config),
              AllOf(HasSubstr("model.safetensors: "), HasSubstr("tensor 'blocks.1.attn.proj.bias' is missing"),
                    HasSubstr("tensor 'norm.weight' is [47], expected [48]"),
                    HasSubstr("tensor 'blocks.0.attn.extra_norm.weight' [48] is unexpected"),
                    HasSubstr("tensor 'blocks.2.norm2.bias' [48] is unexpected")));
}

TEST(ModelFaults, AreFoundInWhateverBlockAnOptionIsMissing) {
  const GoldenFamily golden("timm_deit3");
  for (const char* block : {"blocks.0.", "blocks.1."}) {
    auto tensors = golden.tensors;
    tensors.erase(block + std::string("ls1.gamma"));
    EXPECT_THAT(refusal(tensors, golden.config), HasSubstr(std::string("'") + block + "ls1.gamma' is missing"))
        << block;
  }
  // In the second block only: nothing of the first says that it is expected.
  auto tensors = golden.tensors;
  for (const char* name : {"blocks.0.ls1.gamma", "blocks.0.ls2.gamma"}) tensors.erase(name);
  EXPECT_THAT(refusal(tensors, golden.config), AllOf(HasSubstr("blocks.1.ls1.gamma' [48] is unexpected"),
                                                     HasSubstr("blocks.1.ls2.gamma' [48] is unexpected")));
}

TEST(ModelFaults, IncludeAClassifierWithoutItsHead) {
  for (const char* name : {"timm_vit_cls", "hf_dinov2"}) {
    const GoldenFamily golden(name);
    auto tensors = golden.tensors;
    const std::string head = tensors.contains("head.weight") ? "head" : "classifier";
    test::take(tensors, head + ".");
    EXPECT_THAT(refusal(tensors, golden.config), HasSubstr("'" + head + ".weight' is missing")) << name;
  }
}

TEST(ModelFaults, IncludeAHeadOfMoreBlocksThanThereAre) {
  GoldenFamily golden("hf_dinov2");
  golden.tensors["classifier.weight"] = test::some_tensor({7, 5 * 48});
  EXPECT_THAT(refusal(golden.tensors, golden.config), HasSubstr("4 blocks, expected at most 2"));
}

TEST(ModelFaults, IncludeWhatAConfigSaysAndNobodyComputes) {
  const GoldenFamily timm("timm_vit_cls");
  const auto timm_with = [&](const json& change) {
    json config = timm.config;
    config.merge_patch(change);
    return refusal(timm.tensors, config);
  };
  EXPECT_THAT(timm_with({{"global_pool", "max"}, {"model_args", {{"global_pool", "max"}}}}),
              HasSubstr("global_pool is 'max', expected one of token, avg, map"));
  EXPECT_THAT(timm_with({{"model_args", {{"act_layer", "relu"}}}}), HasSubstr("act_layer is 'relu'"));
  EXPECT_THAT(timm_with({{"model_args", {{"block_fn", "x"}}}}), HasSubstr("block_fn is"));
  EXPECT_THAT(timm_with({{"architecture", "vit_small_patch16_rope_mixed_224"}}),
              HasSubstr("the rotary embedding is learned (rope_type mixed) by its config, expected computed"));

  const GoldenFamily transformers("hf_vit_v5names");
  const auto transformers_with = [&](const json& change) {
    json config = transformers.config;
    config.merge_patch(change);
    return refusal(transformers.tensors, config);
  };
  EXPECT_EQ(transformers_with(json::object()), "accepted");
  EXPECT_THAT(transformers_with({{"hidden_act", "relu"}}), HasSubstr("hidden_act is 'relu', expected one of gelu,"));
  EXPECT_THAT(transformers_with({{"layer_norm_eps", -1}}), HasSubstr("layer_norm_eps is -1, expected 0 to 1"));
  EXPECT_THAT(transformers_with({{"model_type", "swin"}}), HasSubstr("model_type is 'swin', expected one of vit,"));
}

TEST(ModelFaults, IncludePositionsOfPrefixTokensThatTimmDoesNotBuild) {
  GoldenFamily golden("timm_vit_cls");  // 4x4 patches and a class token
  json config = golden.config;
  config["model_args"]["no_embed_class"] = true;
  EXPECT_THAT(refusal(golden.tensors, config), HasSubstr("tensor 'pos_embed' is [1, 17, "));
  test::TinyTensor& positions = golden.tensors.at("pos_embed");
  positions.shape[1] = 16;
  positions.values.erase(positions.values.begin(), positions.values.begin() + std::ptrdiff_t(positions.shape[2]));
  EXPECT_EQ(refusal(golden.tensors, config), "accepted");
  for (const json& embeds : {json(false), json(nullptr)}) {
    config["model_args"]["no_embed_class"] = embeds;
    EXPECT_THAT(refusal(golden.tensors, config), HasSubstr("tensor 'pos_embed' is [1, 16, "));
  }
}

TEST(ModelFaults, IncludeHeadsThatDoNotDivideTheWidth) {
  const GoldenFamily golden("torchvision_vit");  // 64 wide
  LoadOptions options;
  options.num_heads = 5;
  EXPECT_THAT(refusal(golden.folder, options, ErrorCode::kUsage),
              HasSubstr("num_heads is 5, expected a divisor of the width 64"));
  options.num_heads = 0;
  EXPECT_THAT(refusal(golden.folder, options, ErrorCode::kUsage), HasSubstr("num_heads is 0"));
}

TEST(ImageSize, MustBeAMultipleOfThePatchSize) {
  LoadOptions options;
  for (const Size size : {Size{33, 32}, Size{32, 36}, Size{0, 32}, Size{-8, 8}}) {
    options.image_size = size;
    EXPECT_THAT(refusal(GoldenFamily("timm_vit_cls").folder, options, ErrorCode::kUsage),
                HasSubstr("expected a multiple of the patch size, 8 px"));
  }
}

TEST(ImageSize, ThatAModelWasTrainedForMayHavePixelsBehindTheLastPatch) {
  // As google/siglip-so400m-patch14-384 has: the convolution leaves them out.
  GoldenFamily golden("timm_vit_cls");
  golden.config["model_args"]["img_size"] = {37, 39};
  golden.config["pretrained_cfg"]["input_size"] = {3, 37, 39};
  const test::TempFolder folder;
  test::write_safetensors(folder / "model.safetensors", golden.tensors);
  std::ofstream(folder / "config.json") << golden.config;
  const auto model = VisionTransformer::load(folder.path(), {.precision = Precision::kF32});
  EXPECT_EQ(model->architecture().grid(), (PatchGrid{4, 4}));
  EXPECT_EQ(model->architecture().image_size, (Size{37, 39}));
  // The reference's picture in the upper left corner of a larger one.
  const std::vector<float> picture = golden.values("x");
  std::vector<float> larger(std::size_t{3} * 37 * 39, 99.0F);
  for (std::size_t i = 0; i < picture.size(); ++i) {
    larger[(i / (32 * 32) * 37 + i / 32 % 32) * 39 + i % 32] = picture[i];
  }
  Session session(model, 1);
  const auto logits = session.run(test::naive_patches(model->architecture(), larger)).at(0);
  test::expect_same_logits(logits, golden.values("logits"));
}

TEST(ImageSize, OfAFamilyWhoseCodeTakesNoOtherIsFixed) {
  LoadOptions options;
  const GoldenFamily golden("torchvision_vit");
  options.num_heads = golden.num_heads();
  options.image_size = golden.image_size();
  EXPECT_EQ(refusal(golden.folder, options), "accepted");
  const int other = 2 * golden.image_size().height;
  options.image_size = Size{other, other};
  EXPECT_THAT(refusal(golden.folder, options, ErrorCode::kUsage), HasSubstr("takes no other"));
}

TEST(ImageSize, OfEveryOtherFamilyMayBeAnyNumberOfPatches) {
  LoadOptions options;
  for (const char* name : {"timm_vit_cls", "timm_deit3", "timm_dinov2_reg", "timm_siglip_map_tanh", "timm_eva02_base",
                           "timm_dinov3", "timm_beit", "hf_beit", "timm_clip_quickgelu", "hf_vit_v5names", "hf_deit",
                           "hf_dinov2", "hf_clip", "hf_siglip"}) {
    const GoldenFamily golden(name);
    const auto patch = static_cast<int>(inspect_model(golden.folder).architecture.patch_size);
    options.image_size = Size{3 * patch, 5 * patch};
    const auto model = VisionTransformer::load(golden.folder, options);
    EXPECT_EQ(model->architecture().grid(), (PatchGrid{3, 5})) << name;
    Session session(model, 1);
    const auto result = session.forward(test::some_tensor({15, model->architecture().patch_dim()}).values).at(0);
    for (const float logit : result.logits) EXPECT_TRUE(std::isfinite(logit)) << name;
    EXPECT_EQ(result.logits.size(), model->architecture().num_classes) << name;
  }
}

}  // namespace
}  // namespace fovea
