// timm's variants without a golden folder of their own, from the tensors of one that has, and its checkpoints in every
// container: the reference's numbers must come out again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
