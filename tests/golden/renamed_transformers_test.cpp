// Classes and names of transformers without a golden folder of their own, from the tensors of one that has: the
// reference's numbers must come out again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/pending_file.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "model/quantize/quantize.hpp"
#include "support/checkpoint_writers.hpp"
#include "support/golden_family.hpp"
#include "support/naive_layers.hpp"
#include "support/renamed_tensors.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

using nlohmann::json;
using test::GoldenFamily;
using test::TinyTensor;
using test::TinyTensors;

/// model.safetensors and config.json.
void write_model(const test::TempFolder& folder, const TinyTensors& tensors, const json& config) {
  test::write_safetensors(folder / "model.safetensors", tensors);
  std::ofstream(folder / "config.json") << config;
}

/// The config of a golden folder, for another of the library's classes.
json config_for(const GoldenFamily& golden, const char* architecture) {
  json config = golden.config;
  config["architectures"] = {architecture};
  return config;
}

/// The names inside ViT's blocks as version 5 has them.
TinyTensors with_v5_names(const TinyTensors& tensors) {
  const std::string layer = R"((.*)encoder\.layer\.(\d+)\.)";
  const std::string to = "$1layers.$2.";
  return test::renamed(tensors, {{layer + R"(attention\.attention\.query\.(.*))", to + "attention.q_proj.$3"},
                                 {layer + R"(attention\.attention\.key\.(.*))", to + "attention.k_proj.$3"},
                                 {layer + R"(attention\.attention\.value\.(.*))", to + "attention.v_proj.$3"},
                                 {layer + R"(attention\.attention\.(relative_position_bias\..*))", to + "$3"},
                                 {layer + R"(attention\.output\.dense\.(.*))", to + "attention.o_proj.$3"},
                                 {layer + R"(intermediate\.dense\.(.*))", to + "mlp.fc1.$3"},
                                 {layer + R"(output\.dense\.(.*))", to + "mlp.fc2.$3"},
                                 {layer + R"((layernorm_.*|lambda_.))", to + "$3"},
                                 {"(.*)", "$1"}});
}

TEST(TransformersViTModel, GivesTheReferencesFeaturesWithoutPrefixAndHeadInBothVersionsNames) {
  const GoldenFamily golden("hf_vit_sharded");
  TinyTensors tensors = golden.tensors;
  test::take(tensors, "classifier.");
  tensors = test::renamed(tensors, {{R"(vit\.(.*))", "$1"}});
  tensors["pooler.dense.weight"] = test::some_tensor({48, 48});
  tensors["pooler.dense.bias"] = test::some_tensor({48});
  for (const TinyTensors& named : {tensors, with_v5_names(tensors)}) {
    const test::TempFolder folder;
    write_model(folder, named, config_for(golden, "ViTModel"));
    const auto result = test::forward_golden(golden, folder.path());
    EXPECT_TRUE(result.logits.empty());
    test::expect_same_features(result.features, golden.values("pooled"));
  }
}

TEST(TransformersDeit, GivesTheReferencesLogitsInTheNamesOfVersion5) {
  const GoldenFamily golden("hf_deit");
  const test::TempFolder folder;
  write_model(folder, with_v5_names(golden.tensors), golden.config);
  test::expect_same_logits(test::forward_golden(golden, folder.path()).logits, golden.values("logits"));
}

TEST(TransformersDinov2, GivesTheReferencesLogitsWithVersion5sGatedMlp) {
  const GoldenFamily golden("hf_dinov2_swiglu");
  TinyTensors tensors = golden.tensors;
  test::split(tensors, ".mlp.weights_in.", {".mlp.gate_proj.", ".mlp.up_proj."});
  tensors = test::renamed(tensors, {{R"((.*\.mlp\.)weights_out\.(.*))", "$1down_proj.$2"},
                                    {R"((.*\.attention\.)attention\.query\.(.*))", "$1q_proj.$2"},
                                    {R"((.*\.attention\.)attention\.key\.(.*))", "$1k_proj.$2"},
                                    {R"((.*\.attention\.)attention\.value\.(.*))", "$1v_proj.$2"},
                                    {R"((.*\.attention\.)output\.dense\.(.*))", "$1o_proj.$2"},
                                    {"(.*)", "$1"}});
  const test::TempFolder folder;
  write_model(folder, tensors, golden.config);
  test::expect_same_logits(test::forward_golden(golden, folder.path()).logits, golden.values("logits"));
}

TEST(TransformersBeit, GivesTheReferencesLogitsInTheNamesOfVersion5) {
  const GoldenFamily golden("hf_beit");
  const test::TempFolder folder;
  write_model(folder, with_v5_names(golden.tensors), golden.config);
  test::expect_same_logits(test::forward_golden(golden, folder.path()).logits, golden.values("logits"));
}

TEST(TransformersBeit, ReadsTheClassTokenWhereTheNormIsNotThePoolers) {
  // use_mean_pooling false: BeitModel.layernorm takes the place of BeitPooler.layernorm.
  const GoldenFamily golden("hf_beit");
  const TinyTensors tensors =
      test::renamed(golden.tensors, {{R"(beit\.pooler\.layernorm\.(.*))", "beit.layernorm.$1"}, {"(.*)", "$1"}});
  json config = golden.config;
  config["use_mean_pooling"] = false;
  const test::TempFolder folder;
  write_model(folder, tensors, config);
  const auto normed =
      test::naive_layer_norm(golden.values("block_1"), tensors.at("beit.layernorm.weight").values,
                             tensors.at("beit.layernorm.bias").values, config["layer_norm_eps"].get<double>());
  const std::size_t width = tensors.at("beit.layernorm.weight").values.size();
  const std::vector<float> class_token(normed.begin(), normed.begin() + std::ptrdiff_t(width));
  const auto result = test::forward_golden(golden, folder.path());
  test::expect_same_features(result.pooled, class_token);
  test::expect_same_logits(result.logits, test::naive_linear(tensors.at("classifier.weight"),
                                                             tensors.at("classifier.bias").values, class_token));
}

/// What transformers writes of a text tower.
void add_text_tower(TinyTensors& tensors) {
  for (const char* name : {"text_model.embeddings.token_embedding.weight", "text_model.final_layer_norm.bias",
                           "text_model.encoder.layers.0.self_attn.q_proj.weight"}) {
    tensors[name] = test::some_tensor({4, 4});
  }
}

json tower_config(const GoldenFamily& golden, const char* model_type, const char* architecture, const char* activation,
                  double eps) {
  const json vision = {{"num_attention_heads", golden.num_heads()},
                       {"image_size", golden.image_size().height},
                       {"hidden_act", activation},
                       {"layer_norm_eps", eps}};
  return {{"model_type", model_type}, {"architectures", {architecture}}, {"vision_config", vision}};
}

/// timm's CLIP as transformers names it.
TinyTensors transformers_clip(const GoldenFamily& golden) {
  TinyTensors tensors = golden.tensors;
  test::take(tensors, "head.");
  test::split(tensors, ".attn.qkv.", {".self_attn.q_proj.", ".self_attn.k_proj.", ".self_attn.v_proj."});
  test::change(tensors, "cls_token", [](const TinyTensor& t) { return test::reshaped(t, {48}); });
  test::change(tensors, "pos_embed", [](const TinyTensor& t) { return test::reshaped(t, {17, 48}); });
  const std::string layer = "vision_model.encoder.layers.$1.";
  return test::renamed(tensors, {{"cls_token", "vision_model.embeddings.class_embedding"},
                                 {"pos_embed", "vision_model.embeddings.position_embedding.weight"},
                                 {R"(patch_embed\.proj\.weight)", "vision_model.embeddings.patch_embedding.weight"},
                                 {R"(norm_pre\.(.*))", "vision_model.pre_layrnorm.$1"},
                                 {R"(norm\.(.*))", "vision_model.post_layernorm.$1"},
                                 {R"(blocks\.(\d+)\.norm(\d)\.(.*))", layer + "layer_norm$2.$3"},
                                 {R"(blocks\.(\d+)\.(self_attn\..*)\.(weight|bias))", layer + "$2.$3"},
                                 {R"(blocks\.(\d+)\.attn\.proj\.(.*))", layer + "self_attn.out_proj.$2"},
                                 {R"(blocks\.(\d+)\.(mlp\..*))", layer + "$2"}});
}

TEST(TransformersClip, GivesTheReferencesFeaturesProjectedAndLeavesTheTextTowerAlone) {
  const GoldenFamily golden("timm_clip_quickgelu");
  TinyTensors tensors = transformers_clip(golden);
  tensors["vision_model.embeddings.position_ids"] = test::some_tensor({1, 17});
  tensors["visual_projection.weight"] = test::some_tensor({20, 48});
  tensors["text_projection.weight"] = test::some_tensor({20, 4});
  tensors["logit_scale"] = {{}, {2.5F}};
  add_text_tower(tensors);
  const test::TempFolder folder;
  write_model(folder, tensors, tower_config(golden, "clip", "CLIPModel", "quick_gelu", 1e-5));
  const auto result = test::forward_golden(golden, folder.path());
  EXPECT_TRUE(result.logits.empty());
  test::expect_same_features(result.pooled, golden.values("pooled"));
  test::expect_same_features(result.features,
                             test::naive_linear(tensors.at("visual_projection.weight"), {}, golden.values("pooled")));
  const ModelInfo info = inspect_model(folder.path());
  ASSERT_TRUE(info.logit_scale.has_value());
  EXPECT_FLOAT_EQ(*info.logit_scale, std::exp(2.5F));
}

TEST(TransformersClip, GivesTheReferencesFeaturesOfTheVisionModelAloneWithAndWithoutPrefix) {
  const GoldenFamily golden("timm_clip_quickgelu");
  const TinyTensors with_prefix = transformers_clip(golden);
  const TinyTensors without = test::renamed(with_prefix, {{R"(vision_model\.(.*))", "$1"}});
  json config = tower_config(golden, "clip_vision_model", "CLIPVisionModel", "quick_gelu", 1e-5);
  config.update(config["vision_config"]);
  config.erase("vision_config");
  for (const TinyTensors& tensors : {with_prefix, without}) {
    const test::TempFolder folder;
    write_model(folder, tensors, config);
    test::expect_same_features(test::forward_golden(golden, folder.path()).features, golden.values("pooled"));
  }
}

TEST(TransformersSiglip, GivesTheReferencesFeaturesAndTellsScaleAndBias) {
  const GoldenFamily golden("timm_siglip_map_tanh");
  TinyTensors tensors = golden.tensors;
  test::take(tensors, "head.");
  test::split(tensors, ".attn.qkv.", {".self_attn.q_proj.", ".self_attn.k_proj.", ".self_attn.v_proj."});
  test::fuse(tensors, {"attn_pool.q.", "attn_pool.kv."}, "attn_pool.in_proj.");
  test::change(tensors, "pos_embed", [](const TinyTensor& t) { return test::reshaped(t, {16, 48}); });
  const std::string layer = "vision_model.encoder.layers.$1.";
  tensors = test::renamed(tensors, {{"pos_embed", "vision_model.embeddings.position_embedding.weight"},
                                    {R"(patch_embed\.proj\.(.*))", "vision_model.embeddings.patch_embedding.$1"},
                                    {R"(norm\.(.*))", "vision_model.post_layernorm.$1"},
                                    {R"(blocks\.(\d+)\.norm(\d)\.(.*))", layer + "layer_norm$2.$3"},
                                    {R"(blocks\.(\d+)\.(self_attn\..*)\.(weight|bias))", layer + "$2.$3"},
                                    {R"(blocks\.(\d+)\.attn\.proj\.(.*))", layer + "self_attn.out_proj.$2"},
                                    {R"(blocks\.(\d+)\.(mlp\..*))", layer + "$2"},
                                    {R"(attn_pool\.latent)", "vision_model.head.probe"},
                                    {R"(attn_pool\.in_proj\.(.*))", "vision_model.head.attention.in_proj_$1"},
                                    {R"(attn_pool\.proj\.(.*))", "vision_model.head.attention.out_proj.$1"},
                                    {R"(attn_pool\.norm\.(.*))", "vision_model.head.layernorm.$1"},
                                    {R"(attn_pool\.(mlp\..*))", "vision_model.head.$1"}});
  tensors["logit_scale"] = {{1}, {4.7F}};
  tensors["logit_bias"] = {{1}, {-12.9F}};
  add_text_tower(tensors);
  tensors["text_model.head.weight"] = test::some_tensor({4, 4});
  const test::TempFolder folder;
  write_model(folder, tensors, tower_config(golden, "siglip", "SiglipModel", "gelu_pytorch_tanh", 1e-6));
  const auto result = test::forward_golden(golden, folder.path());
  EXPECT_TRUE(result.logits.empty());
  test::expect_same_features(result.features, golden.values("pooled"));
  const ModelInfo info = inspect_model(folder.path());
  EXPECT_FLOAT_EQ(info.logit_scale.value_or(0), std::exp(4.7F));
  EXPECT_FLOAT_EQ(info.logit_bias.value_or(0), -12.9F);
}

/// A golden folder's model with one key of its config changed, or taken away (null).
void write_changed(const test::TempFolder& folder, const GoldenFamily& golden, const char* key, const json& value) {
  json config = golden.config;
  if (value.is_null()) {
    config.erase(key);
  } else {
    config[key] = value;
  }
  write_model(folder, golden.tensors, config);
}

TEST(TransformersConfigs, PartsThatTheTensorsDoNotHaveAreRefusedByName) {
  struct Case {
    const char* golden;
    const char* key;
    json value;
  };
  for (const Case& one :
       {Case{"hf_dinov3", "query_bias", false}, Case{"hf_dinov3", "key_bias", true},
        Case{"hf_dinov3", "value_bias", false}, Case{"hf_dinov3", "mlp_bias", false},
        Case{"hf_dinov3", "proj_bias", false}, Case{"hf_dinov3_swiglu_v5names", "use_gated_mlp", nullptr},
        Case{"hf_dinov3", "num_register_tokens", 4}, Case{"hf_dinov3", "rope_theta", 0},
        Case{"hf_dinov3_swiglu_v5names", "hidden_act", "gelu"}, Case{"hf_dinov3", "rope_offset", 0.5},
        Case{"hf_vit_msn", "qkv_bias", false}, Case{"hf_data2vec", "use_relative_position_bias", nullptr},
        Case{"hf_data2vec", "use_mean_pooling", false}, Case{"hf_data2vec", "use_absolute_position_embeddings", true},
        Case{"hf_data2vec", "use_shared_relative_position_bias", true},
        Case{"hf_data2vec_shared", "use_shared_relative_position_bias", false}}) {
    const test::TempFolder folder;
    write_changed(folder, GoldenFamily(one.golden), one.key, one.value);
    try {
      (void)inspect_model(folder.path());
      ADD_FAILURE() << one.golden << " with " << one.key << " " << one.value << " was read";
    } catch (const Error& error) {
      const bool counted = std::string(one.key) == "num_register_tokens";
      EXPECT_THAT(error.what(), testing::HasSubstr(counted ? "the number of register tokens" : one.key));
    }
  }
}

TEST(TransformersConfigs, KeysThatAreAbsentHaveTheirClasssDefaults) {
  for (const auto& [name, eps] : {std::pair{"hf_vit_msn", 1e-6F},
                                  {"hf_ijepa", 1e-12F},
                                  {"hf_dinov3", 1e-5F},
                                  {"hf_data2vec", 1e-12F},
                                  {"hf_metaclip2", 1e-5F}}) {
    const GoldenFamily golden(name);
    const test::TempFolder folder;
    json config = golden.config;
    json& vision = config.contains("vision_config") ? config["vision_config"] : config;
    vision.erase("layer_norm_eps");
    write_model(folder, golden.tensors, config);
    EXPECT_EQ(inspect_model(folder.path()).architecture.norm_eps, eps) << name;
  }
  const test::TempFolder folder;
  write_changed(folder, GoldenFamily("hf_dinov3"), "num_attention_heads", nullptr);
  EXPECT_EQ(inspect_model(folder.path()).architecture.num_heads, 6U);
}

/// The features of a golden's own input.
std::vector<float> features_of(const GoldenFamily& golden, const std::filesystem::path& model) {
  LoadOptions options;
  options.image_size = golden.image_size();
  options.num_heads = golden.num_heads();
  return test::forward_golden(golden, model, options).features;
}

TEST(TransformersFamilies, AreQuantisedWithTheirTensorsNames) {
  for (const char* name : {"hf_dinov3", "hf_dinov3_swiglu_v5names", "hf_vit_msn", "hf_ijepa", "hf_data2vec_shared",
                           "hf_metaclip2", "hf_siglip2_naflex_tower"}) {
    const GoldenFamily golden(name);
    const test::TempFolder folder;
    PendingFile file(folder / "half.safetensors");
    Quantizer(golden.folder, Precision::kBf16, golden.image_size()).write(file);
    file.commit();
    const auto exact = features_of(golden, golden.folder);
    const auto half = features_of(golden, folder / "half.safetensors");
    ASSERT_EQ(half.size(), exact.size());
    float largest = 0;
    float away = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      largest = std::max(largest, std::fabs(exact[i]));
      away = std::max(away, std::fabs(half[i] - exact[i]));
    }
    EXPECT_LE(away, 0.05F * largest) << name;
    EXPECT_GT(away, 0.0F) << name;
  }
}

TEST(TransformersSiglip2, ANaflexModelIsFedTheSizeThatIsAskedFor) {
  const auto folder = GoldenFamily("hf_siglip2_naflex").folder;
  EXPECT_THROW((void)inspect_model(folder), Error);
  LoadOptions options;
  options.image_size = Size{12, 20};
  const ModelInfo info = inspect_model(folder, options);
  EXPECT_EQ(info.architecture.grid(), (PatchGrid{3, 5}));
  EXPECT_EQ(info.recipe.resize, ResizeRule::kExact);
  EXPECT_EQ(info.recipe.input_size, (Size{12, 20}));
  EXPECT_EQ(info.recipe.resize_size, (Size{12, 20}));
}

}  // namespace
}  // namespace fovea
