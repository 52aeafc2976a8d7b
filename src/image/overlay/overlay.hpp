// A heatmap over the user's own pixels.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/tensor.hpp"

namespace fovea {

/// How a map is drawn.
enum class MapStyle {
  kHeat,     // its colours over the picture
  kContour,  // lines around half, a quarter and a tenth of its patches, over the picture as it is
  kMask,     // the picture where the map is high, dark elsewhere
};

struct OverlayStyle {
  MapStyle style = MapStyle::kHeat;
  std::string colormap = "inferno";
  double mask_threshold = 0.5;  // share of the map's range
  double alpha = 0.55;        // of the heat: 0 shows the picture only, 1 the map only; between them, see draw_overlay()
  bool side_by_side = false;  // the original to the left
  bool caption = true;
};

/// What the strip below the picture says.
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

/// Draws the map over the whole picture at its original resolution: grid cells go back through crop and resize,
/// interpolated with Mitchell and Netravali's cubic; what lies outside the crop, and was never seen, is dimmed and
/// nearly grey, behind a thin line. The map is scaled from its own minimum and maximum to 0..1 for display. The heat's
/// opacity is alpha where it is hottest and alpha^2 where it is coldest, so that cold parts stay visible. A picture
/// narrower than 256 px gets a wider canvas where there is a caption, which would not be legible otherwise.
/// @param map      [grid.rows, grid.cols]
/// @param kept     [grid.rows * grid.cols], see darken_ignored(): what lies under the map is dark where it is not 1;
///                 empty: all were kept
/// @throws Error   kUsage for an unknown colour map; kShape if geometry is not of this picture.
[[nodiscard]] Image draw_overlay(const Image& original, MatrixView<const float> map, const CropGeometry& geometry,
                                 const OverlayStyle& style, const OverlayCaption& caption,
                                 std::span<const float> kept = {});

/// Shrunk so that the longer side is at most `side` px (never enlarged).
[[nodiscard]] Image thumbnail(const Image& image, int side);

}  // namespace fovea
