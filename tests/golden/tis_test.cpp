// Transformer input sampling beside the reference implementation (tools/make_golden_tis.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "explain/spearman.hpp"
#include "fovea/classifier.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

TEST(GoldenTis, EqualsTheReferenceWithTheSameChannels) {
  const auto golden = open_checkpoint(test::source_dir() / "tests/golden/tis.safetensors");
  const Classifier classifier(test::source_dir() / "weights/vit_tiny_tin200", {.precision = Precision::kF32});
  for (const std::string picture : {"cat_and_espresso.jpg", "rocket.jpg"}) {
    ExplainRequest request{.methods = {"tis"}, .targets = {"top2"}};
    request.options.masks = 64;
    request.options.seed = 3;
    const Explanation explanation = classifier.explain(test::source_dir() / "samples" / picture, request);
    ASSERT_EQ(explanation.maps.size(), 2U);
    for (const ExplanationMap& map : explanation.maps) {
      const std::string name = picture + "." + std::to_string(map.target->class_index);
      const TensorView* const tensor = golden->find(name);
      ASSERT_NE(tensor, nullptr) << name;
      const std::vector<float> expected = to_float(*tensor);
      ASSERT_EQ(map.heatmap.values.size(), expected.size());
      const float largest = *std::max_element(expected.begin(), expected.end());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        // Float32 may keep another one of two patches whose channel is equal but for rounding.
        EXPECT_NEAR(map.heatmap.values[i], expected[i], 2e-3F * largest) << name << ", " << i;
      }
      EXPECT_GE(spearman(map.heatmap.values, expected), 0.999) << name;
    }
  }
}

}  // namespace
}  // namespace fovea
