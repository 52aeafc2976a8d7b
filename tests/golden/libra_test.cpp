// LibraGrad and the maps that read its gradients, beside the reference implementation (tools/make_golden_libra.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "explain/spearman.hpp"
#include "fovea/classifier.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "pipeline/maps/explanations.hpp"
#include "pipeline/picture_source.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

std::vector<float> values_of(const Checkpoint& golden, const std::string& name) {
  const TensorView* const tensor = golden.find(name);
  return tensor != nullptr ? to_float(*tensor) : std::vector<float>();
}

TEST(GoldenLibra, EqualsTheReferenceInEveryMapAndSumOfTwoClasses) {
  const auto golden = open_checkpoint(test::source_dir() / "tests/golden/libra.safetensors");
  const Classifier classifier(test::source_dir() / "weights/vit_tiny_tin200", {.precision = Precision::kF32});
  const std::vector<std::string> methods{"libra", "generic", "grad-rollout", "grad-cam", "legrad"};
  for (const std::string picture : {"cat_and_espresso.jpg", "rocket.jpg"}) {
    ExplainRequest request{.methods = methods, .targets = {"top2"}};
    request.options.gradients = Gradients::kLibra;
    const Explanation explanation = classifier.explain(test::source_dir() / "samples" / picture, request);
    ASSERT_EQ(explanation.maps.size(), 2 * methods.size());
    for (const ExplanationMap& map : explanation.maps) {
      const std::string of = picture + "." + std::to_string(map.target->class_index) + ".";
      const std::vector<float> expected = values_of(*golden, of + std::string(map.method->name));
      ASSERT_EQ(map.heatmap.values.size(), expected.size()) << of << map.method->name;
      float largest = 0;
      float worst = 0;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        largest = std::max(largest, std::abs(expected[i]));
        worst = std::max(worst, std::abs(expected[i] - map.heatmap.values[i]));
      }
      EXPECT_LE(worst, 1e-4F * largest) << of << map.method->name;
      EXPECT_GE(spearman(map.heatmap.values, expected), 0.999) << of << map.method->name;
      if (map.method->name != "libra") continue;
      ASSERT_TRUE(map.sum.has_value());
      EXPECT_NEAR(map.sum->prefix, values_of(*golden, of + "prefix").at(0), 1e-4);
      EXPECT_NEAR(map.sum->score, values_of(*golden, of + "score").at(0), 1e-4);
      EXPECT_NEAR(map.sum->patches + map.sum->prefix + map.sum->biases, map.sum->score, 1e-4);
    }
  }
}

TEST(GoldenLibra, EqualsTheReferenceInWhatEveryHeadBringsToTheClassToken) {
  const auto golden = open_checkpoint(test::source_dir() / "tests/golden/libra.safetensors");
  const auto model =
      VisionTransformer::load(test::source_dir() / "weights/vit_tiny_tin200", {.precision = Precision::kF32});
  Session session(model, 1);
  MapPlan plan;
  plan.methods = {&explain_method("libra")};
  plan.contributions = true;
  for (const std::string picture : {"cat_and_espresso.jpg", "rocket.jpg"}) {
    const std::string file = (test::source_dir() / "samples" / picture).string();
    const LoadedPicture loaded = load_picture({file, {}, {}}, 0, nullptr, {}, model->info(), Keep::kNothing);
    const auto best_two = [&](std::size_t, const ForwardResult& result) {
      return targets_of(parse_targets({"top2"}, {}, class_space(model->info(), plan)), result.logits, {file, {}, {}},
                        class_space(model->info(), plan));
    };
    const ExplainedImage image = explain_images(*model, session, loaded.patches, plan, {}, best_two).front();
    ASSERT_EQ(image.contributions.size(), 2U);
    for (const TargetContributions& made : image.contributions) {
      const std::string of = picture + "." + std::to_string(made.target.class_index) + ".heads ";
      const std::vector<float> prefix = values_of(*golden, of + "prefix");    // [L, H]
      const std::vector<float> patches = values_of(*golden, of + "patches");  // [L, H]
      const std::vector<float> block5 = values_of(*golden, of + "block 5");   // [H, T]
      ASSERT_EQ(prefix.size(), 36U) << of;
      ASSERT_EQ(block5.size(), made.blocks.at(5).heads.size());
      for (std::size_t i = 0; i < prefix.size(); ++i) {
        const BlockContributions& block = made.blocks.at(i / 3);
        const auto head = std::span(block.heads).subspan(i % 3 * 196, 196);
        EXPECT_NEAR(block.heads_prefix[i % 3], double{prefix[i]}, 1e-4) << of << i;
        EXPECT_NEAR(std::accumulate(head.begin(), head.end(), 0.0), double{patches[i]}, 1e-4) << of << i;
      }
      for (std::size_t i = 0; i < block5.size(); ++i) EXPECT_NEAR(made.blocks[5].heads[i], block5[i], 1e-5F) << of << i;
    }
  }
}

TEST(GoldenLibra, EqualsTheReferenceInTheMapsOfLrpGamma) {
  const auto golden = open_checkpoint(test::source_dir() / "tests/golden/libra.safetensors");
  const Classifier classifier(test::source_dir() / "weights/vit_tiny_tin200", {.precision = Precision::kF32});
  for (const std::string picture : {"cat_and_espresso.jpg", "rocket.jpg"}) {
    for (const auto& [gamma, text] : {std::pair{0.05F, "0.05"}, {0.25F, "0.25"}}) {
      ExplainRequest request{.methods = {"libra"}, .targets = {"top2"}};
      request.options.gamma = gamma;
      for (const ExplanationMap& map : classifier.explain(test::source_dir() / "samples" / picture, request).maps) {
        const std::string name = picture + "." + std::to_string(map.target->class_index) + ".gamma " + text;
        const std::vector<float> expected = values_of(*golden, name);
        ASSERT_EQ(map.heatmap.values.size(), expected.size()) << name;
        float largest = 0;
        float worst = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
          largest = std::max(largest, std::abs(expected[i]));
          worst = std::max(worst, std::abs(expected[i] - map.heatmap.values[i]));
        }
        EXPECT_LE(worst, 2e-4F * largest) << name;  // in float32: shares of sums that nearly cancel
        EXPECT_NEAR(map.sum->patches + map.sum->prefix + map.sum->biases, map.sum->score, 1e-4) << name;
      }
    }
  }
}

TEST(GoldenLibra, EqualsTheReferenceInTheMapOfPixelsOverShiftedPictures) {
  const auto golden = open_checkpoint(test::source_dir() / "tests/golden/libra.safetensors");
  const Classifier classifier(test::source_dir() / "weights/vit_tiny_tin200", {.precision = Precision::kF32});
  for (const std::string picture : {"cat_and_espresso.jpg", "rocket.jpg"}) {
    ExplainRequest request{.methods = {"libra"}, .targets = {"top2"}};
    request.options.shifts = 3;
    for (const ExplanationMap& map : classifier.explain(test::source_dir() / "samples" / picture, request).maps) {
      const std::string name = picture + "." + std::to_string(map.target->class_index) + ".shifts 3";
      const std::vector<float> expected = values_of(*golden, name);  // [28, 28], sums of 8x8 px
      ASSERT_EQ(expected.size(), 28U * 28U) << name;
      ASSERT_EQ(map.heatmap.grid.rows, 224U);
      ASSERT_EQ(map.heatmap.grid.cols, 224U);
      std::vector<double> sums(expected.size());
      for (std::size_t i = 0; i < map.heatmap.values.size(); ++i) {
        sums[i / 224 / 8 * 28 + i % 224 / 8] += double{map.heatmap.values[i]};
      }
      float largest = 0;
      for (const float value : expected) largest = std::max(largest, std::abs(value));
      for (std::size_t i = 0; i < sums.size(); ++i) {
        ASSERT_NEAR(sums[i], double{expected[i]}, 1e-4 * double{largest}) << name << ", " << i;
      }
      EXPECT_FALSE(map.sum) << "the nine scores differ";
    }
  }
}

}  // namespace
}  // namespace fovea
