// A heatmap as a smooth function of the original picture's pixels.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/tensor.hpp"

namespace fovea {

/// The area that the network saw, in original pixels: the crop mapped back through the resize.
struct SeenArea {
  double top = 0, bottom = 0, left = 0, right = 0;
};
[[nodiscard]] SeenArea seen_area(const CropGeometry& geometry);
/// The part of one patch that lies in the picture. For a patch inside the padding it is empty: top == bottom or left ==
/// right.
[[nodiscard]] SeenArea patch_area(const CropGeometry& geometry, PatchGrid grid, std::size_t row, std::size_t col);

/// Scales the map so that its minimum is 0 and its maximum 1; a constant map becomes 0. Values that are not finite
/// count as the minimum.
[[nodiscard]] std::vector<float> scaled_to_one(std::span<const float> map);
/// Scales the map by its largest absolute value, so that it is 0.5 where the map is 0, and 0 or 1 at that value. Values
/// that are not finite count as 0.
[[nodiscard]] std::vector<float> scaled_about_half(std::span<const float> map);

/// The map, scaled to 0..1 and interpolated with Mitchell and Netravali's cubic, which neither shows the grid nor rings
/// visibly.
class HeatField {
 public:
  /// @param map        [grid.rows, grid.cols], spread evenly over the crop.
  /// @param is_signed  whether the map is scaled about a half
  HeatField(MatrixView<const float> map, const CropGeometry& geometry, bool is_signed = false);

  /// The heat, 0..1, at each pixel's centre of row y. Outside the crop it is the value at the crop's edge.
  /// @param heat  [geometry.original.width]
  void row(int y, std::span<float> heat) const;
  [[nodiscard]] std::size_t width() const noexcept { return width_; }

 private:
  /// Four neighbouring cells and their interpolation weights.
  struct Taps {
    std::array<std::size_t, 4> cell{};
    std::array<float, 4> weight{};
  };
  static Taps taps_at(double cell, std::size_t cells);

  std::vector<float> columns_;  // [grid.rows, original.width]: the map interpolated along x
  std::vector<Taps> rows_;      // one for each pixel row
  std::size_t width_ = 0;
};

}  // namespace fovea
