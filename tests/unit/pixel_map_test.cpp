// Maps of pixels: moved images against a naive twin, and gradients of pixels against finite differences.
#include "explain/pixel_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "image/preprocess/patches.hpp"
#include "support/normal_values.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

/// [3, height, width] cut into patches.
std::vector<float> cut(const std::vector<float>& chw, Size size, std::size_t patch_size) {
  std::vector<float> patches(chw.size());
  cut_patches(chw, size, patch_size, patches);
  return patches;
}

TEST(ShiftPatches, MovesTheWholeImageAndRepeatsItsEdges) {
  const Size size{12, 8};  // height, width
  const auto height = 12;
  const auto width = 8;
  const auto image = test::normal_values(3 * 12 * 8, 1);
  for (const auto& [down, right] : {std::pair{0, 0}, {1, 0}, {0, -1}, {-3, 5}, {4, 4}, {20, -20}}) {
    std::vector<float> moved(image.size());
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const int row = std::clamp(y + down, 0, height - 1);
          const int col = std::clamp(x + right, 0, width - 1);
          moved[std::size_t((c * height + y) * width + x)] = image[std::size_t((c * height + row) * width + col)];
        }
      }
    }
    std::vector<float> shifted(image.size());
    shift_patches(cut(image, size, 4), {3, 2}, 4, down, right, shifted);
    EXPECT_EQ(shifted, cut(moved, size, 4)) << down << ", " << right;
  }
}

TEST(PixelMap, IsTheMeanOfTheMovedImagesMapsMovedBack) {
  const PatchGrid grid{2, 3};
  const Size size{8, 12};
  const TokenLayout layout{.num_blocks = 1, .num_heads = 1, .grid = grid};
  PixelMap map(layout);
  EXPECT_THROW((void)map.heatmap(), Error);
  std::vector<double> expected(8 * 12);
  unsigned seed = 1;
  for (const int down : {-1, 0, 1}) {
    for (const int right : {-1, 0, 1}) {
      const auto pixels = test::normal_values(3 * 8 * 12, seed++);
      const auto gradient = test::normal_values(3 * 8 * 12, seed++);
      const auto patches = cut(pixels, size, 4);
      const auto d_patches = cut(gradient, size, 4);
      map.observe_pixels({down, right, patches, d_patches});
      for (int at = 0; at < 3 * 8 * 12; ++at) {
        const int row = at / 12 % 8 + down;
        const int col = at % 12 + right;
        if (row < 0 || row >= 8 || col < 0 || col >= 12) continue;
        expected[std::size_t(row * 12 + col)] +=
            double{pixels[std::size_t(at)]} * double{gradient[std::size_t(at)]} / 9;
      }
    }
  }
  const Heatmap heatmap = map.heatmap();
  ASSERT_EQ(heatmap.grid.rows, 8U);
  ASSERT_EQ(heatmap.grid.cols, 12U);
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(double{heatmap.values[i]}, expected[i], 1e-6) << i;

  const Heatmap sums = patch_sums(heatmap, grid);
  std::vector<double> by_patch(6);
  for (std::size_t i = 0; i < expected.size(); ++i) by_patch[i / 12 / 4 * 3 + i % 12 / 4] += expected[i];
  ASSERT_EQ(sums.values.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(double{sums.values[i]}, by_patch[i], 1e-5);
  EXPECT_EQ(patch_sums(sums, grid).values, sums.values);
}

TEST(PixelMap, IsDrawnInCellsOfAQuarterPatchAndAMapOfPatchesAsItIs) {
  Heatmap map{{32, 48}, std::vector<float>(32 * 48, 0.5F)};
  const Heatmap drawn = drawn_map(map, {2, 3});  // patches of 16 px
  EXPECT_EQ(drawn.grid.rows, 8U);
  EXPECT_EQ(drawn.grid.cols, 12U);
  for (const float value : drawn.values) EXPECT_FLOAT_EQ(value, 16 * 0.5F);
  map = {{28, 14}, std::vector<float>(28 * 14, 1.0F)};
  EXPECT_EQ(drawn_map(map, {2, 1}).grid.rows, 14U) << "14 px have no quarter: cells of 2 px";
  const Heatmap patches{{2, 3}, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(drawn_map(patches, {2, 3}).values, patches.values);
}

TEST(PixelMap, ShiftsMeetAllPartsOfAPatch) {
  EXPECT_EQ(shift_step(3, 16), 5);  // -5, 0, 5
  EXPECT_EQ(shift_step(1, 16), 16);
  EXPECT_EQ(shift_step(9, 4), 1);
}

TEST(PixelGradients, EqualFiniteDifferencesWhateverStandsBehindTheEmbedding) {
  Architecture plain = test::tiny_vit({16, 24}, 8, 16, 2);
  Architecture with_embed_norm = plain;
  with_embed_norm.embed_norm = true;
  Architecture with_norm_pre = plain;
  with_norm_pre.norm_pre = true;
  for (const Architecture& architecture : {plain, with_embed_norm, with_norm_pre}) {
    const auto model = VisionTransformer::random(architecture, 3);
    Session session(model, 1);
    auto image = test::random_input(architecture, 5);
    ForwardRequest keep;
    keep.keep_for_gradients = true;
    (void)session.forward(image, keep);
    std::vector<float> gradient;
    GradientRequest request;
    request.pixels = [&](std::span<const float> pixels) { gradient.assign(pixels.begin(), pixels.end()); };
    session.gradients(ScoreSeed{{1, 1.0F}}, request);
    ASSERT_EQ(gradient.size(), image.size());
    const float largest = std::abs(*std::max_element(gradient.begin(), gradient.end(),
                                                     [](float a, float b) { return std::abs(a) < std::abs(b); }));
    ASSERT_GT(largest, 0);
    constexpr float kStep = 0.03F;
    for (std::size_t i = 0; i < image.size(); i += 97) {
      const float middle = image[i];
      const auto score_at = [&](float value) {
        image[i] = value;
        return double{session.run(image).front()[1]};
      };
      const double slope = (score_at(middle + kStep) - score_at(middle - kStep)) / (2 * double{kStep});
      image[i] = middle;
      EXPECT_NEAR(double{gradient[i]}, slope, 0.02 * double{largest})
          << i << ", embed_norm " << architecture.embed_norm << ", norm_pre " << architecture.norm_pre;
    }
  }
}

}  // namespace
}  // namespace fovea
