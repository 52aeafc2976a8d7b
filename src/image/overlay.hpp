// A heatmap over the user's own pixels.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "fovea/image.hpp"
#include "fovea/tensor.hpp"

namespace fovea {

struct OverlayStyle {
  std::string colormap = "inferno";
  double alpha = 0.55;        // 0 shows the picture only, 1 the map only; between them, see draw_overlay()
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

/// Blends the map into the whole picture at its original resolution: grid cells go back through crop and resize,
/// interpolated with Mitchell and Netravali's cubic; what lies outside the crop, and was never seen, is dimmed and
/// nearly grey, behind a thin line. The map is scaled from its own minimum and maximum to 0..1 for display. The map's
/// opacity is alpha where it is hottest and alpha^2 where it is coldest, so that cold parts stay visible. A picture
/// narrower than 256 px gets a wider canvas where there is a caption, which would not be legible otherwise.
/// @param map      [grid.rows, grid.cols]
/// @throws Error   kUsage for an unknown colour map; kShape if geometry is not of this picture.
[[nodiscard]] Image draw_overlay(const Image& original, MatrixView<const float> map, const CropGeometry& geometry,
                                 const OverlayStyle& style, const OverlayCaption& caption);

/// Shrunk so that the longer side is at most `side` px (never enlarged).
[[nodiscard]] Image thumbnail(const Image& image, int side);

}  // namespace fovea
