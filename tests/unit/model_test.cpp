#include "fovea/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include "base/sha256.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/machine.hpp"
#include "fovea/session.hpp"
#include "support/naive_vit.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

using test::random_input;
using test::tiny_vit;
using testing::HasSubstr;

double range(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *high - *low;
}

TEST(Session, OnSomePatchesEqualsTheNaiveTwinThatNeverHadTheOtherOnes) {
  const Architecture a = tiny_vit({28, 42}, 14, 96, 3, 6);  // 6 patches
  const test::TempFolder folder;
  const auto tensors = test::make_tiny_tensors(a, 9);
  test::write_tiny_model(folder.path(), a, tensors);
  Session session(VisionTransformer::load(folder.path(), {.precision = Precision::kF32}), 2);
  const auto chw = random_input(a, 7);
  const auto patches = test::naive_patches(a, chw);
  for (const std::vector<std::vector<std::size_t>>& sets :
       {std::vector<std::vector<std::size_t>>{{}}, {{3}, {0}, {5}}, {{0, 2, 5}, {1, 3, 4}}, {{0, 1, 2, 3, 4, 5}}}) {
    std::vector<std::size_t> kept;
    for (const auto& set : sets) kept.insert(kept.end(), set.begin(), set.end());
    const auto results = session.forward_some(patches, {kept, sets.size(), sets.front().size()});
    ASSERT_EQ(results.size(), sets.size());
    for (std::size_t i = 0; i < sets.size(); ++i) {
      const auto wanted = test::naive_vit(a, tensors, chw, nullptr, &sets[i]).logits;
      for (std::size_t c = 0; c < wanted.size(); ++c) {
        EXPECT_NEAR(double(results[i].logits[c]), wanted[c], 1e-5 * range(wanted))
            << sets[i].size() << " patches, " << c;
      }
    }
  }
  const std::vector<std::size_t> beyond{6};
  EXPECT_THROW((void)session.forward_some(patches, {beyond, 1, 1}), Error);
}

TEST(Session, WithoutAPlaceForPositionsInItsTokensDropsNoPatch) {
  Architecture a = tiny_vit();
  a.read_out = ReadOut::kPatchMean;
  const auto model = VisionTransformer::random(a, 1);
  try {
    require_droppable(model->info());
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("average of the patch tokens"));
    EXPECT_THAT(error.hint(), HasSubstr("rise"));
  }
}

TEST(Session, EqualsTheNaiveTwinOnRandomModels) {
  std::uint64_t seed = 1;
  for (const Architecture& a : {tiny_vit(), tiny_vit({16, 16}, 16, 33, 1, 3), tiny_vit({64, 64}, 8, 64, 2, 1),
                                tiny_vit({28, 42}, 14, 96, 4, 6), tiny_vit({32, 32}, 32, 31, 2, 1)}) {
    const test::TempFolder folder;
    const auto tensors = test::make_tiny_tensors(a, ++seed);
    test::write_tiny_model(folder.path(), a, tensors);
    Session session(VisionTransformer::load(folder.path(), {.precision = Precision::kF32}), 2);
    const auto chw = random_input(a, 7);
    const auto wanted = test::naive_vit(a, tensors, chw);

    std::vector<std::vector<float>> attention;
    const auto logits = session.run(test::naive_patches(a, chw), [&](std::size_t image, const AttentionView& view) {
      EXPECT_EQ(image, 0U);
      EXPECT_EQ(view.block, attention.size());
      attention.emplace_back(view.weights.begin(), view.weights.end());
    });
    ASSERT_EQ(logits.size(), 1U);
    SCOPED_TRACE(testing::Message() << "width " << a.embed_dim << ", " << a.tokens() << " tokens");
    ASSERT_EQ(logits[0].size(), wanted.logits.size());
    for (std::size_t c = 0; c < wanted.logits.size(); ++c) {
      EXPECT_NEAR(double(logits[0][c]), wanted.logits[c], 1e-5 * range(wanted.logits)) << c;
    }
    ASSERT_EQ(attention.size(), a.depth);
    for (std::size_t block = 0; block < a.depth; ++block) {
      ASSERT_EQ(attention[block].size(), wanted.attention[block].size());
      for (std::size_t i = 0; i < attention[block].size(); ++i) {
        ASSERT_NEAR(double(attention[block][i]), wanted.attention[block][i], 5e-5) << block << ", " << i;
      }
      for (std::size_t row = 0; row < attention[block].size(); row += a.tokens()) {
        double sum = 0;
        for (std::size_t j = 0; j < a.tokens(); ++j) sum += double(attention[block][row + j]);
        ASSERT_NEAR(sum, 1.0, 1e-5);
      }
    }
  }
}

TEST(Session, GivesTheSameBytesForAnyBatchThreadsAndObserver) {
  const auto model = VisionTransformer::random(timm_architecture("vit_tiny_patch16_224"), 3);
  const Architecture& a = model->architecture();
  std::vector<float> patches;
  std::vector<Logits> single;
  set_compute_threads(1);
  {
    Session session(model, 1);
    for (unsigned i = 0; i < 3; ++i) {
      const auto one = test::naive_patches(a, random_input(a, i));
      patches.insert(patches.end(), one.begin(), one.end());
      single.push_back(session.run(one)[0]);
      EXPECT_EQ(session.run(one, [](std::size_t, const AttentionView&) {})[0], single.back());
    }
  }
  EXPECT_NE(single[0], single[1]);
  for (const int threads : {1, 2, 4}) {
    set_compute_threads(threads);
    Session session(model, 4);
    EXPECT_EQ(session.run(patches), single) << threads << " threads";
    EXPECT_EQ(session.run(std::span(patches).first(patches.size() / 3))[0], single[0]);
  }
  set_compute_threads(available_cores());
}

TEST(Session, RefusesWhatIsNoWholeNumberOfImages) {
  const auto model = VisionTransformer::random(tiny_vit(), 1);
  Session session(model, 2);
  const std::size_t one = model->architecture().grid().size() * model->architecture().patch_dim();
  for (const std::size_t count : {std::size_t{0}, one - 1, one + 1, 3 * one}) {
    EXPECT_THROW((void)session.run(std::vector<float>(count)), Error) << count;
  }
}

/// The message of the error that loading this model gives.
std::string folder_refusal(const std::filesystem::path& folder) {
  try {
    (void)VisionTransformer::load(folder);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCheckpoint);
    EXPECT_FALSE(error.hint().empty()) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(Loading, ListsMissingLeftOverAndMisshapenTensorsAtOnce) {
  const test::TempFolder folder;
  auto tensors = test::make_tiny_tensors(tiny_vit(), 1);
  tensors.erase("blocks.1.norm2.bias");
  tensors["blocks.0.mlp.fc2.bias"] = {{2}, {0, 0}};
  tensors["blocks.0.attn.rel_pos.weight"] = {{2}, {0, 0}};
  test::write_tiny_model(folder.path(), tiny_vit(), tensors);
  const std::string message = folder_refusal(folder.path());
  EXPECT_THAT(message, HasSubstr("model.safetensors: "));
  EXPECT_THAT(message, HasSubstr("tensor 'blocks.1.norm2.bias' is missing, expected [48]"));
  EXPECT_THAT(message, HasSubstr("tensor 'blocks.0.mlp.fc2.bias' is [2], expected [48]"));
  EXPECT_THAT(message, HasSubstr("tensor 'blocks.0.attn.rel_pos.weight' [2] is unexpected"));
}

TEST(Loading, RefusesAConfigThatContradictsTheTensors) {
  const test::TempFolder folder;
  const auto write = [&](const Architecture& config) {
    test::write_tiny_model(folder.path(), tiny_vit(), test::make_tiny_tensors(tiny_vit(), 1));
    test::write_config(folder / "config.json", config);
  };
  Architecture config = tiny_vit();
  config.num_classes = 11;
  write(config);
  EXPECT_THAT(folder_refusal(folder.path()), HasSubstr("num_classes is 11 in config.json, expected 10"));
  config = tiny_vit({64, 64});
  write(config);
  EXPECT_THAT(folder_refusal(folder.path()), HasSubstr("tensor 'pos_embed' is [1, 25, 48], expected [1, 65, 48]"));
  config = tiny_vit();
  config.num_heads = 5;
  write(config);
  EXPECT_THAT(folder_refusal(folder.path()), HasSubstr("num_heads is 5, expected a divisor of the width 48"));
}

TEST(Loading, RefusesConfigsThatWouldBeComputedWrongly) {
  const test::TempFolder folder;
  test::write_tiny_model(folder.path(), tiny_vit(), test::make_tiny_tensors(tiny_vit(), 1));
  for (const char* config :
       {"{", "[]", R"({"global_pool":"avgmax"})", R"({"model_args":{"act_layer":"relu"}})", R"({"model_args":7})",
        R"({"pretrained_cfg":{"input_size":[3,32,48],"crop_pct":0}})",
        R"({"pretrained_cfg":{"input_size":[3,32,48],"interpolation":"cubic"}})",
        R"({"pretrained_cfg":{"input_size":[3,32,48],"mean":[0.5]}})",
        R"({"pretrained_cfg":{"input_size":[3,32,48],"std":[0.5,0.5,0]}})",
        R"({"pretrained_cfg":{"input_size":[1,32,48]}})", R"({"pretrained_cfg":{"input_size":"224"}})",
        R"({"label_names":["a"],"model_args":{"img_size":[32,48]}})"}) {
    std::ofstream(folder / "config.json") << config;
    EXPECT_THAT(folder_refusal(folder.path()), HasSubstr(".json")) << config;
  }
}

TEST(Loading, SaysWhatItAssumedWithoutAConfig) {
  const test::TempFolder folder;
  const Architecture a = tiny_vit({32, 32}, 8, 128, 1, 2);
  test::write_safetensors(folder / "model.safetensors", test::make_tiny_tensors(a, 1));
  const ModelInfo info = inspect_model(folder / "model.safetensors");
  EXPECT_EQ(info.architecture.num_heads, 2U);
  EXPECT_EQ(info.architecture.image_size, (Size{32, 32}));
  ASSERT_EQ(info.assumptions.size(), 3U);
  EXPECT_THAT(info.assumptions[0], HasSubstr("num_heads 2 from width 128"));
  EXPECT_THAT(info.assumptions[1], HasSubstr("norm eps 1e-06 and gelu"));
  EXPECT_THAT(info.assumptions[2], HasSubstr("preprocessing"));
}

TEST(DefaultModel, IsWhatItsReadmeSays) {
  const ModelInfo info = inspect_model(test::source_dir() / "weights/vit_tiny_tin200");
  EXPECT_EQ(info.name, "vit_tiny_tin200");
  EXPECT_EQ(info.architecture.embed_dim, 192U);
  EXPECT_EQ(info.architecture.depth, 12U);
  EXPECT_EQ(info.architecture.num_heads, 3U);
  EXPECT_EQ(info.architecture.tokens(), 197U);
  EXPECT_EQ(info.dtype, "F16");
  EXPECT_DOUBLE_EQ(info.recipe.crop_pct, 1.0);
  EXPECT_TRUE(info.assumptions.empty());
  ASSERT_EQ(info.labels.size(), 200U);
  EXPECT_EQ(info.labels[0].synset, "n01443537");
  EXPECT_EQ(info.labels[0].label(), "goldfish");
}

TEST(TimmArchitecture, KnowsTheFamilyAndSuggestsTheNearestName) {
  const Architecture base = timm_architecture("vit_base_patch16_224");
  EXPECT_EQ(base.embed_dim, 768U);
  EXPECT_EQ(base.tokens(), 197U);
  try {
    (void)timm_architecture("vit_base_patch16_225");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_THAT(error.hint(), HasSubstr("vit_base_patch16_224"));
  }
}

TEST(ModelSha256, ChangesWithATensorAndWithTheConfig) {
  const test::TempFolder folder;
  auto tensors = test::make_tiny_tensors(tiny_vit(), 1);
  test::write_tiny_model(folder.path(), tiny_vit(), tensors);
  const std::string first = model_sha256(folder.path());
  EXPECT_EQ(first.size(), 64U);
  EXPECT_EQ(model_sha256(folder.path()), first);
  std::ofstream(folder / "config.json", std::ios::app) << "\n";
  const std::string second = model_sha256(folder.path());
  EXPECT_NE(second, first);
  tensors["head.bias"].values[0] += 1.0F;
  test::write_safetensors(folder / "model.safetensors", tensors);
  EXPECT_NE(model_sha256(folder.path()), second);
}

TEST(Sha256, OfAbcIsThatOfTheStandard) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace fovea
