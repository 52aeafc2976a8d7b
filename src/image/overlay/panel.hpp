// All maps of a picture side by side.
#pragma once

#include <span>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/tensor.hpp"
#include "image/overlay/overlay.hpp"

namespace fovea {

struct PanelMap {
  MatrixView<const float> map;  // [grid.rows, grid.cols]
  OverlayCaption caption;
  bool is_signed = false;
};

/// Draws the picture and then its maps in order, each above its caption, in rows of at most four, as even as possible.
/// Each cell is at most 480 px on its longer side, or style.longest_side if that is less.
/// @param style    applies to each map; captions are always drawn, side_by_side is ignored
/// @param caption  belongs to the picture itself
/// @param kept     as in draw_overlay(), for the maps; the picture itself is shown unchanged
/// @throws Error   as draw_overlay().
[[nodiscard]] Image draw_panel(const Image& original, const CropGeometry& geometry, std::span<const PanelMap> maps,
                               const OverlayStyle& style, const OverlayCaption& caption,
                               std::span<const float> kept = {});

}  // namespace fovea
