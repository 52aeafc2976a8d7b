// timm's variants without a golden folder of their own, from the tensors of one that has, and its checkpoints in every
// container: the reference's numbers must come out again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "fovea/image.hpp"
#include "fovea/model.hpp"
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

void write_config(const test::TempFolder& folder, const json& config) {
  std::ofstream(folder / "config.json") << config;
}

TEST(TimmEva, GivesTheReferencesLogitsWithItsProjectionsInOneTensorBesideASplitMlp) {
  const GoldenFamily golden("timm_eva02_base");
  TinyTensors tensors = golden.tensors;
  ASSERT_TRUE(tensors.contains("blocks.0.mlp.fc1_g.weight"));
  test::fuse(tensors, {".attn.q_proj.weight", ".attn.k_proj.weight", ".attn.v_proj.weight"}, ".attn.qkv.weight");
  tensors = test::renamed(tensors, {{R"((.*\.attn\.)(q|v)_proj\.bias)", "$1$2_bias"}, {"(.*)", "$1"}});
  ASSERT_TRUE(tensors.contains("blocks.1.attn.v_bias"));
  const test::TempFolder folder;
  test::write_safetensors(folder / "model.safetensors", tensors);
  write_config(folder, golden.config);
  test::expect_same_logits(test::forward_golden(golden, folder.path()).logits, golden.values("logits"));
}

TEST(TimmDinoV3, GivesTheReferencesLogitsWithBiasesOfQueriesAndValues) {
  // The "qkvb" checkpoints: the biases are in the file, though 0 in the distilled ones.
  const GoldenFamily golden("timm_dinov3");
  TinyTensors tensors = golden.tensors;
  ASSERT_FALSE(tensors.contains("blocks.0.attn.q_bias"));
  const std::size_t width = tensors.at("cls_token").values.size();
  for (std::size_t block = 0; tensors.contains("blocks." + std::to_string(block) + ".gamma_1"); ++block) {
    for (const char* bias : {".attn.q_bias", ".attn.v_bias"}) {
      tensors["blocks." + std::to_string(block) + bias] = {{width}, std::vector<float>(width, 0.0F)};
    }
  }
  const test::TempFolder folder;
  test::write_safetensors(folder / "model.safetensors", tensors);
  write_config(folder, golden.config);
  test::expect_same_logits(test::forward_golden(golden, folder.path()).logits, golden.values("logits"));
}

TEST(TimmSiglipGap, AveragesThePatchesBehindTheFinalNormWithoutAnAttentionPool) {
  const GoldenFamily golden("timm_siglip_map_tanh");
  TinyTensors tensors = golden.tensors;
  test::take(tensors, "attn_pool.");
  json config = golden.config;
  config["architecture"] = "vit_so400m_patch16_siglip_gap_256";
  config["global_pool"] = config["model_args"]["global_pool"] = "avg";
  const test::TempFolder folder;
  test::write_safetensors(folder / "model.safetensors", tensors);
  write_config(folder, config);
  const auto normed = test::naive_layer_norm(golden.values("block_1"), tensors.at("norm.weight").values,
                                             tensors.at("norm.bias").values, 1e-6);
  const auto mean = test::naive_patch_mean(normed, tensors.at("norm.weight").values.size(), 0);
  const auto result = test::forward_golden(golden, folder.path());
  test::expect_same_features(result.pooled, mean);
  test::expect_same_logits(result.logits,
                           test::naive_linear(tensors.at("head.weight"), tensors.at("head.bias").values, mean));
}

TEST(TimmHead, GivesTheReferencesLogitsInAContainer) {
  const GoldenFamily golden("timm_vit_cls");
  const test::TempFolder folder;
  write_config(folder, golden.config);
  test::write_safetensors(folder / "model.safetensors",
                          test::renamed(golden.tensors, {{R"(head\.(.*))", "head.1.$1"}, {"(.*)", "$1"}}));
  test::expect_same_logits(test::forward_golden(golden, folder.path()).logits, golden.values("logits"));
}

TEST(TimmWrapper, GivesTheReferencesLogits) {
  const GoldenFamily golden("timm_vit_cls");
  json config = golden.config;
  config["model_type"] = "timm_wrapper";
  config["architectures"] = {"TimmWrapperForImageClassification"};
  config["do_pooling"] = true;
  config["initializer_range"] = 0.02;
  config["transformers_version"] = "5.24.0";
  const test::TempFolder folder;
  write_config(folder, config);
  test::write_safetensors(folder / "model.safetensors", test::renamed(golden.tensors, {{"(.*)", "timm_model.$1"}}));
  test::expect_same_logits(test::forward_golden(golden, folder.path()).logits, golden.values("logits"));
}

/// An open_clip model around golden tensors of timm's, with a text tower.
TinyTensors open_clip_of(const TinyTensors& trunk) {
  TinyTensors tensors = test::renamed(trunk, {{"(.*)", "visual.trunk.$1"}});
  tensors["text.transformer.resblocks.0.ln_1.weight"] = test::some_tensor({4});
  tensors["logit_scale"] = {{}, {std::log(50.0F)}};
  tensors["logit_bias"] = {{}, {-3.0F}};
  return tensors;
}

TEST(OpenClipTrunk, IsTimmsWithTheHeadAsTheProjection) {
  const GoldenFamily golden("timm_siglip_map_tanh");
  const test::TempFolder folder;
  std::ofstream(folder / "open_clip_config.json")
      << R"({"model_cfg":{"embed_dim":7,"vision_cfg":{"timm_model_name":"vit_so400m_patch16_siglip_256",)"
         R"("timm_pool":"map","timm_proj":null,"image_size":32}},"preprocess_cfg":{"mean":[0.5,0.5,0.5],)"
         R"("std":[0.5,0.5,0.5],"resize_mode":"squash"}})";
  test::write_safetensors(folder / "open_clip_model.safetensors", open_clip_of(golden.tensors));
  LoadOptions options;
  options.num_heads = golden.num_heads();
  const auto result = test::forward_golden(golden, folder.path(), options);
  EXPECT_TRUE(result.logits.empty()) << "a projection has no classes";
  test::expect_same_features(result.features, golden.values("logits"));
  const ModelInfo info = inspect_model(folder.path(), options);
  EXPECT_NEAR(info.logit_scale.value(), 50.0F, 1e-3F);
  EXPECT_EQ(info.logit_bias, -3.0F);
  EXPECT_EQ(info.stripped, "visual.trunk.");
  EXPECT_EQ(info.recipe.resize, ResizeRule::kExact);
  EXPECT_EQ(info.architecture.image_size, (Size{32, 32}));
}

TEST(OpenClipTrunk, MayHaveALinearProjectionBehindIt) {
  const GoldenFamily golden("timm_vit_cls");
  TinyTensors trunk = golden.tensors;
  test::take(trunk, "head.");
  TinyTensors tensors = open_clip_of(trunk);
  tensors["visual.head.proj.weight"] = golden.tensors.at("head.weight");
  const test::TempFolder folder;
  const std::string name = golden.config["architecture"];
  std::ofstream(folder / "open_clip_config.json")
      << R"({"model_cfg":{"embed_dim":7,"vision_cfg":{"timm_model_name":")" + name +
             R"(","timm_pool":"","timm_proj":"linear","image_size":[32,32]}}})";
  test::write_safetensors(folder / "open_clip_model.safetensors", tensors);
  LoadOptions options;
  options.num_heads = golden.num_heads();
  const auto result = test::forward_golden(golden, folder.path(), options);
  const TinyTensor& weight = golden.tensors.at("head.weight");
  const std::vector<float> none(weight.shape[0], 0.0F);
  test::expect_same_features(result.features, test::naive_linear(weight, none, golden.values("pooled")));
}

TEST(TimmConfig, InItsOldFlatFormSaysTheSame) {
  const GoldenFamily golden("timm_vit_cls");
  json flat = golden.config["pretrained_cfg"];
  flat["architecture"] = golden.config["architecture"];
  flat["num_classes"] = golden.config["num_classes"];
  const test::TempFolder folder;
  test::write_safetensors(folder / "model.safetensors", golden.tensors);
  write_config(folder, flat);
  LoadOptions options;
  options.num_heads = golden.num_heads();  // the name says 3
  test::expect_same_logits(test::forward_golden(golden, folder.path(), options).logits, golden.values("logits"));
  const ModelInfo from_flat = inspect_model(folder.path(), options);
  const ModelInfo nested = inspect_model(golden.folder);
  EXPECT_EQ(from_flat.architecture.image_size, nested.architecture.image_size);
  EXPECT_EQ(describe(from_flat.recipe), describe(nested.recipe));
}

TEST(Containers, GiveTheSameLogitsWholeAndInShards) {
  const GoldenFamily golden("timm_vit_cls");
  const auto expect_logits = [&](const test::TempFolder& folder, const std::string& format) {
    write_config(folder, golden.config);
    EXPECT_EQ(inspect_model(folder.path()).format, format);
    test::expect_same_logits(test::forward_golden(golden, folder.path()).logits, golden.values("logits"));
  };
  const test::TempFolder whole_safetensors;
  test::write_safetensors(whole_safetensors / "model.safetensors", golden.tensors);
  expect_logits(whole_safetensors, "safetensors");
  const test::TempFolder whole_bin;
  test::write_pth(whole_bin / "pytorch_model.bin", golden.tensors);
  expect_logits(whole_bin, "pth");
  const test::TempFolder safetensors_shards;
  test::write_safetensors_shards(safetensors_shards.path(), golden.tensors);
  expect_logits(safetensors_shards, "sharded safetensors");
  const test::TempFolder bin_shards;
  test::write_bin_shards(bin_shards.path(), golden.tensors);
  expect_logits(bin_shards, "sharded pth");
}

}  // namespace
}  // namespace fovea
