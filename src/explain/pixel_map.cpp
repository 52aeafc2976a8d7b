#include "explain/pixel_map.hpp"

#include <algorithm>
#include <cmath>

#include "fovea/error.hpp"

namespace fovea {

int shift_step(std::size_t shifts, std::size_t patch_size) {
  return static_cast<int>(std::max<std::size_t>(1, patch_size / shifts));
}

Heatmap patch_sums(const Heatmap& map, PatchGrid grid) {
  if (map.values.size() == grid.size()) return map;
  const std::size_t side = map.grid.rows / grid.rows;  // px
  std::vector<double> sums(grid.size());
  for (std::size_t y = 0; y < map.grid.rows; ++y) {
    for (std::size_t x = 0; x < map.grid.cols; ++x) {
      sums[y / side * grid.cols + x / side] += static_cast<double>(map.values[y * map.grid.cols + x]);
    }
  }
  return {grid, {sums.begin(), sums.end()}};
}

Heatmap drawn_map(const Heatmap& map, PatchGrid grid) {
  if (map.values.size() == grid.size()) return map;
  const std::size_t patch = map.grid.rows / grid.rows;  // px
  std::size_t cell = std::max<std::size_t>(1, patch / 4);
  while (patch % cell != 0) --cell;
  return patch_sums(map, {map.grid.rows / cell, map.grid.cols / cell});
}

void PixelMap::observe_pixels(const MovedImage& moved) {
  const std::size_t area = moved.patches.size() / grid_.size() / 3;  // P·P
  const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(area))));
  pixels_ = {grid_.rows * side, grid_.cols * side};
  map_.resize(pixels_.size());
  ++images_;
  for (std::size_t y = 0; y < pixels_.rows; ++y) {
    for (std::size_t x = 0; x < pixels_.cols; ++x) {
      const auto row = static_cast<std::ptrdiff_t>(y) + moved.down;  // in the image
      const auto col = static_cast<std::ptrdiff_t>(x) + moved.right;
      const bool inside = row >= 0 && col >= 0 && row < static_cast<std::ptrdiff_t>(pixels_.rows) &&
                          col < static_cast<std::ptrdiff_t>(pixels_.cols);
      if (!inside) continue;
      const std::size_t patch = y / side * grid_.cols + x / side;
      double sum = 0;
      for (std::size_t channel = 0; channel < 3; ++channel) {
        const std::size_t at = (patch * 3 + channel) * area + y % side * side + x % side;
        sum += static_cast<double>(moved.patches[at]) * static_cast<double>(moved.gradient[at]);
      }
      map_[static_cast<std::size_t>(row) * pixels_.cols + static_cast<std::size_t>(col)] += sum;
    }
  }
}

Heatmap PixelMap::heatmap() {
  if (images_ == 0) throw Error(ErrorCode::kShape, "libra: no image was observed, expected the shifted ones");
  Heatmap heatmap{pixels_, std::vector<float>(map_.size())};
  const auto count = static_cast<double>(images_);
  std::transform(map_.begin(), map_.end(), heatmap.values.begin(),
                 [&](double sum) { return static_cast<float>(sum / count); });
  return heatmap;
}

}  // namespace fovea
