// Draws a heatmap over the user's own picture.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/tensor.hpp"

namespace fovea {

/// The style in which a map is drawn.
enum class MapStyle {
  kHeat,     // its colours over the picture
  kContour,  // lines around half, a quarter and a tenth of its patches, on the unchanged picture
  kMask,     // the picture where the map is high, darkened elsewhere
};

struct OverlayStyle {
  MapStyle style = MapStyle::kHeat;
  std::string colormap = "inferno";
  double mask_threshold = 0.5;  // share of the map's range
  double alpha = 0.55;          // opacity of the heat: 0 shows only the picture, 1 only the map; see draw_overlay()
  bool side_by_side = false;    // place the original to the left
  bool caption = true;
};

/// The text of the strip below the picture.
struct OverlayCaption {
  std::string label;       // "Egyptian cat"; may be empty
  double probability = 0;  // 0..1
  std::string method;      // "attention rollout"
  std::string variant;     // "mean heads"
};

[[nodiscard]] std::span<const std::string_view> colormap_names();

/// @return         256 RGB triples, low to high
/// @throws Error   kUsage for an unknown colour map.
[[nodiscard]] std::vector<std::uint8_t> color_scale(std::string_view colormap);

/// Draws the map over the whole picture at its original resolution. Grid cells are mapped back through crop and resize
/// and interpolated with Mitchell and Netravali's cubic. The area outside the crop, which the network never saw, is
/// dimmed to nearly grey and separated by a thin line. For display the map is scaled to 0..1 by its own minimum and
/// maximum. The heat's opacity is alpha where it is hottest and alpha^2 where it is coldest, so that cold areas stay
/// visible. With a caption, a picture narrower than 256 px gets a wider canvas to keep the caption legible.
/// @param map      [grid.rows, grid.cols]
/// @param kept     [grid.rows * grid.cols], see darken_ignored(): the picture under the map is darkened where this is
/// below 1; empty: all
///                 patches were kept
/// @throws Error   kUsage for an unknown colour map; kShape if geometry does not belong to this picture.
[[nodiscard]] Image draw_overlay(const Image& original, MatrixView<const float> map, const CropGeometry& geometry,
                                 const OverlayStyle& style, const OverlayCaption& caption,
                                 std::span<const float> kept = {});

/// Shrinks the picture until its longer side is at most `side` px; never enlarges it.
[[nodiscard]] Image thumbnail(const Image& image, int side);

}  // namespace fovea
