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
  double alpha = 0.55;        // 0 shows the picture only, 1 the map only
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
/// smoothly interpolated; what lies outside the crop, and was never seen, is dimmed. The map is scaled from its own
/// minimum and maximum to 0..1 for display.
/// @param map      [grid.rows, grid.cols]
/// @throws Error   kUsage for an unknown colour map.
[[nodiscard]] Image draw_overlay(const Image& original, MatrixView<const float> map, const CropGeometry& geometry,
                                 const OverlayStyle& style, const OverlayCaption& caption);

/// Shrunk so that the longer side is at most `side` px (never enlarged).
[[nodiscard]] Image thumbnail(const Image& image, int side);

}  // namespace fovea
