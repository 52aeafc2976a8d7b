// All maps of a picture beside each other.
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
};

/// The picture, then its maps in order, each above its caption, in rows of at most four that are as even as they can
/// be. Each is at most 480 px on its longer side.
/// @param style    of each map; its captions are drawn in any case, and nothing side by side
/// @param caption  of the picture itself
/// @param kept     as of draw_overlay(): the picture itself is shown as it is
/// @throws Error   as draw_overlay().
[[nodiscard]] Image draw_panel(const Image& original, const CropGeometry& geometry, std::span<const PanelMap> maps,
                               const OverlayStyle& style, const OverlayCaption& caption,
                               std::span<const float> kept = {});

}  // namespace fovea
