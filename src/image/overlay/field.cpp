#include "image/overlay/field.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "image/overlay/blend_kernels.hpp"

namespace fovea {
namespace {

/// Mitchell and Netravali 1988, B = C = 1/3, at distance x from the sample.
double mitchell(double x) {
  x = std::abs(x);
  if (x < 1.0) return (7.0 * x * x * x - 12.0 * x * x + 16.0 / 3.0) / 6.0;
  if (x < 2.0) return (-7.0 / 3.0 * x * x * x + 12.0 * x * x - 20.0 * x + 32.0 / 3.0) / 6.0;
  return 0.0;
}

/// Maps a pixel's centre through resize and crop to a grid coordinate, in cells.
double cell_of(int pixel, int original, int resized, int start, int crop, std::size_t cells) {
  const double in_crop = (pixel + 0.5) * resized / original - start;
  return in_crop * static_cast<double>(cells) / crop - 0.5;
}

}  // namespace

std::vector<float> scaled_to_one(std::span<const float> map) {
  float low = std::numeric_limits<float>::infinity();
  float high = -low;
  for (const float value : map) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  std::vector<float> scaled(map.size(), 0.0F);
  if (!(high > low)) return scaled;
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (std::isfinite(map[i])) scaled[i] = (map[i] - low) / (high - low);
  }
  return scaled;
}

std::vector<float> scaled_about_half(std::span<const float> map) {
  float largest = 0.0F;
  for (const float value : map) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  std::vector<float> scaled(map.size(), 0.5F);
  if (largest == 0.0F) return scaled;
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (std::isfinite(map[i])) scaled[i] = 0.5F + 0.5F * (map[i] / largest);
  }
  return scaled;
}

SeenArea seen_area(const CropGeometry& g) {
  const double y = static_cast<double>(g.original.height) / g.resized.height;
  const double x = static_cast<double>(g.original.width) / g.resized.width;
  return {std::max(0.0, g.top * y), std::min<double>(g.original.height, (g.top + g.crop.height) * y),
          std::max(0.0, g.left * x), std::min<double>(g.original.width, (g.left + g.crop.width) * x)};
}

SeenArea patch_area(const CropGeometry& g, PatchGrid grid, std::size_t row, std::size_t col) {
  // The border `index` of `count` patches along one axis of the crop, in original pixels.
  const auto border = [](std::size_t index, std::size_t count, int crop, int start, int resized, int original) {
    const double in_resized = start + static_cast<double>(index) * crop / static_cast<double>(count);
    return std::clamp(in_resized * original / resized, 0.0, static_cast<double>(original));
  };
  const auto y = [&](std::size_t r) {
    return border(r, grid.rows, g.crop.height, g.top, g.resized.height, g.original.height);
  };
  const auto x = [&](std::size_t c) {
    return border(c, grid.cols, g.crop.width, g.left, g.resized.width, g.original.width);
  };
  return {y(row), y(row + 1), x(col), x(col + 1)};
}

HeatField::Taps HeatField::taps_at(double cell, std::size_t cells) {
  const auto last = static_cast<double>(cells - 1);
  cell = std::clamp(cell, -0.5, last + 0.5);
  const double first = std::floor(cell) - 1.0;
  Taps taps;
  for (std::size_t i = 0; i < 4; ++i) {
    const double at = first + static_cast<double>(i);
    taps.cell[i] = static_cast<std::size_t>(std::clamp(at, 0.0, last));
    taps.weight[i] = static_cast<float>(mitchell(cell - at));
  }
  return taps;
}

HeatField::HeatField(MatrixView<const float> map, const CropGeometry& g, bool is_signed)
    : width_(static_cast<std::size_t>(g.original.width)) {
  const std::vector<float> heat = is_signed ? scaled_about_half(map.values()) : scaled_to_one(map.values());
  columns_.resize(map.rows() * width_);
  for (int x = 0; x < g.original.width; ++x) {
    const Taps taps =
        taps_at(cell_of(x, g.original.width, g.resized.width, g.left, g.crop.width, map.cols()), map.cols());
    for (std::size_t r = 0; r < map.rows(); ++r) {
      float sum = 0.0F;
      for (std::size_t i = 0; i < 4; ++i) sum += taps.weight[i] * heat[r * map.cols() + taps.cell[i]];
      columns_[r * width_ + static_cast<std::size_t>(x)] = sum;
    }
  }
  rows_.reserve(static_cast<std::size_t>(g.original.height));
  for (int y = 0; y < g.original.height; ++y) {
    rows_.push_back(
        taps_at(cell_of(y, g.original.height, g.resized.height, g.top, g.crop.height, map.rows()), map.rows()));
  }
}

void HeatField::row(int y, std::span<float> heat) const {
  const Taps& taps = rows_[static_cast<std::size_t>(y)];
  std::array<const float*, 4> from{};
  for (std::size_t i = 0; i < 4; ++i) from[i] = columns_.data() + taps.cell[i] * width_;
  interpolate_rows(from, taps.weight, width_, heat.data());
}

}  // namespace fovea
