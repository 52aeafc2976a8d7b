// The overlay's fast way equals its naive twin in every byte.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "image/overlay/overlay.hpp"
#include "image/preprocess/resample_kernels.hpp"
#include "support/forced_target.hpp"
#include "support/naive_overlay.hpp"
#include "support/sample_images.hpp"

namespace fovea {
namespace {

std::vector<float> waves(std::size_t rows, std::size_t cols) {
  std::vector<float> map(rows * cols);
  for (std::size_t i = 0; i < map.size(); ++i) {
    map[i] = std::sin(0.7F * static_cast<float>(i % cols)) * std::cos(0.4F * static_cast<float>(i / cols)) -
             0.01F * static_cast<float>(i);
  }
  return map;
}

/// A crop of 0.9 in the middle of a picture resized to 100 px on its shorter side.
CropGeometry cropped(Size size) {
  const int shorter = std::min(size.height, size.width);
  const Size resized{std::max(1, 100 * size.height / shorter), std::max(1, 100 * size.width / shorter)};
  return {size, resized, {90, 90}, (resized.height - 90) / 2, (resized.width - 90) / 2};
}

void expect_twins(const Image& picture, const CropGeometry& geometry, const OverlayStyle& style, bool is_signed) {
  const std::vector<float> map = waves(7, 6);
  const Image fast = draw_overlay(picture, {map, 7, 6}, geometry, style, {}, {}, is_signed);
  const Image twin = test::naive_heat_overlay(picture, {map, 7, 6}, geometry, style, is_signed);
  ASSERT_EQ(fast.size(), twin.size());
  for (int y = 0; y < twin.size().height; ++y) {
    ASSERT_TRUE(std::equal(twin.row(y), twin.row(y) + twin.row_bytes(), fast.row(y)))
        << twin.size().height << "x" << twin.size().width << " row " << y << " alpha " << style.alpha;
  }
}

TEST(OverlayTwin, EveryByteIsTheSameWhateverTheSize) {
  OverlayStyle style;
  style.caption = false;
  for (const int width : {1, 2, 3, 15, 16, 17, 31, 63, 64, 65, 66, 100, 129, 193, 260}) {
    for (const int height : {1, 40}) {
      const Image picture = test::random_image({height, width}, static_cast<unsigned>(width));
      expect_twins(picture, cropped(picture.size()), style, false);
      expect_twins(picture, {picture.size(), {90, 90}, {90, 90}, 0, 0}, style, false);  // seen as a whole
    }
  }
}

TEST(OverlayTwin, EveryByteIsTheSameWhateverTheOpacityAndColours) {
  const Image picture = test::random_image({60, 170}, 7);
  for (const double alpha : {0.0, 0.3, 0.55, 1.0}) {
    for (const bool is_signed : {false, true}) {
      for (const char* colormap : {"auto", "jet"}) {
        OverlayStyle style;
        style.caption = false;
        style.alpha = alpha;
        style.colormap = colormap;
        expect_twins(picture, cropped(picture.size()), style, is_signed);
      }
    }
  }
}

TEST(OverlayTwin, EveryInstructionSetDrawsTheSame) {
  const Image picture = test::random_image({50, 213}, 3);
  OverlayStyle style;
  style.caption = false;
  const std::vector<std::int64_t> targets = resample_targets();  // the same for every kernel
  for (const std::int64_t target : targets) {
    if ((hwy::SupportedTargets() & target) == 0) continue;
    const test::ForcedTarget forced(target);
    expect_twins(picture, cropped(picture.size()), style, false);
  }
}

}  // namespace
}  // namespace fovea
