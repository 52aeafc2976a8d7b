#include "image/overlay/ignored.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "image/overlay/field.hpp"

namespace fovea {
namespace {

constexpr float kIgnoredLight = 0.15F;  // brightness of a patch that was never kept

/// The first pixel whose centre lies at or after `edge`.
int first_pixel(double edge, int pixels) {
  return std::clamp(static_cast<int>(std::ceil(edge - 0.5)), 0, pixels);
}

}  // namespace

void darken_ignored(std::span<const float> kept, PatchGrid grid, const CropGeometry& geometry, Image& pixels) {
  const auto [height, width] = pixels.size();
  for (std::size_t patch = 0; patch < grid.size(); ++patch) {
    if (kept[patch] >= 1) continue;
    const float light = kIgnoredLight + (1 - kIgnoredLight) * kept[patch];
    const SeenArea area = patch_area(geometry, grid, patch / grid.cols, patch % grid.cols);
    const int right = first_pixel(area.right, width);
    for (int y = first_pixel(area.top, height); y < first_pixel(area.bottom, height); ++y) {
      std::uint8_t* const row = pixels.row(y);
      for (int x = 3 * first_pixel(area.left, width); x < 3 * right; ++x) {
        row[x] = static_cast<std::uint8_t>(std::lround(static_cast<float>(row[x]) * light));
      }
    }
  }
}

}  // namespace fovea
