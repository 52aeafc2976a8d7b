// Small random checkpoints as timm writes them, against timm's own numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "fovea/model.hpp"
#include "support/naive_vit.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

class Family : public testing::TestWithParam<const char*> {};

TEST_P(Family, GivesTheReferencesLogitsAndAttention) {
  const auto folder = test::source_dir() / "tests/golden/families" / GetParam();
  const auto expected = open_checkpoint(folder / "expected.safetensors");
  const auto inputs = to_float(*expected->find("x"));       // [n, 3, H, W]
  const auto wanted = to_float(*expected->find("logits"));  // [n, C]
  const auto model = VisionTransformer::load(folder);
  const Architecture& a = model->architecture();
  const std::size_t images = expected->find("x")->shape[0];
  const std::size_t image_values = inputs.size() / images;
  Session session(model, images);
  std::vector<float> patches;
  for (std::size_t i = 0; i < images; ++i) {
    const auto one = test::naive_patches(a, std::span(inputs).subspan(i * image_values, image_values));
    patches.insert(patches.end(), one.begin(), one.end());
  }

  float worst_attention = 0;
  const auto logits = session.run(patches, [&](std::size_t image, const AttentionView& view) {
    const auto reference = to_float(*expected->find("attn_" + std::to_string(view.block)));
    const std::size_t offset = image * view.weights.size();
    for (std::size_t i = 0; i < view.weights.size(); ++i) {
      worst_attention = std::max(worst_attention, std::fabs(view.weights[i] - reference[offset + i]));
    }
  });
  EXPECT_LE(worst_attention, 5e-5F);
  const auto [low, high] = std::minmax_element(wanted.begin(), wanted.end());
  for (std::size_t i = 0; i < images; ++i) {
    const auto row = std::span(wanted).subspan(i * a.num_classes, a.num_classes);
    for (std::size_t c = 0; c < a.num_classes; ++c) {
      EXPECT_NEAR(logits[i][c], row[c], 1e-5F * (*high - *low)) << "image " << i << ", class " << c;
    }
    EXPECT_EQ(std::max_element(logits[i].begin(), logits[i].end()) - logits[i].begin(),
              std::max_element(row.begin(), row.end()) - row.begin());
  }
}

INSTANTIATE_TEST_SUITE_P(Timm, Family, testing::Values("timm_vit_cls", "timm_f16"),
                         [](const auto& chosen) { return std::string(chosen.param); });

}  // namespace
}  // namespace fovea
