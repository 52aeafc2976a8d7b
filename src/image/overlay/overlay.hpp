// Draws a heatmap over the user's own picture.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/overlay.hpp"
#include "fovea/tensor.hpp"

namespace fovea {

/// The text of the strip below the picture.
struct OverlayCaption {
  std::string label;       // "Egyptian cat"; may be empty
  double probability = 0;  // 0..1
  std::string method;      // "attention rollout"
  std::string variant;     // "mean heads"
};

/// @return         256 RGB triples, low to high
/// @throws Error   kUsage for an unknown colour map.
[[nodiscard]] std::vector<std::uint8_t> color_scale(std::string_view colormap, bool is_signed = false);

/// Draws the map over the whole picture at its original resolution. Grid cells are mapped back through crop and resize
/// and interpolated with Mitchell and Netravali's cubic. The area outside the crop, which the network never saw, is
/// dimmed to nearly grey and separated by a thin line. For display the map is scaled to 0..1 by its own minimum and
/// maximum. The heat's opacity is alpha where it is hottest and alpha^2 where it is coldest, so that cold areas stay
/// visible. With a caption, a picture narrower than 256 px gets a wider canvas to keep the caption legible.
/// A signed map is scaled by its largest absolute value instead: 0 lies in the middle of the colours and is
/// transparent. As a mask or contours, its positive part is drawn.
/// @param map      [grid.rows, grid.cols]
/// @param kept     [grid.rows * grid.cols], see darken_ignored(): the picture under the map is darkened where this is
/// below 1; empty: all
///                 patches were kept
/// @throws Error   kUsage for an unknown colour map; kShape if geometry does not belong to this picture.
[[nodiscard]] Image draw_overlay(const Image& original, MatrixView<const float> map, const CropGeometry& geometry,
                                 const OverlayStyle& style, const OverlayCaption& caption,
                                 std::span<const float> kept = {}, bool is_signed = false);

/// Shrinks the picture until its longer side is at most `side` px, by Pillow's Hamming filter; never enlarges it.
[[nodiscard]] Image thumbnail(const Image& image, int side);

}  // namespace fovea
