// Shows in the picture which patches token reduction (hard attention) dropped.
#pragma once

#include <span>

#include "fovea/image.hpp"

namespace fovea {

/// Darkens the patches that were dropped before the last block.
/// @param kept    [grid] 1 for a patch that was kept, 0 for one that was dropped, or the share of draws that kept it
/// @param pixels  the original, of size geometry.original; changed in place
void darken_ignored(std::span<const float> kept, PatchGrid grid, const CropGeometry& geometry, Image& pixels);

}  // namespace fovea
