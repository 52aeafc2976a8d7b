// What hard attention left out, shown in the picture.
#pragma once

#include <span>

#include "fovea/image.hpp"

namespace fovea {

/// Darkens the patches that did not go on to the end.
/// @param kept    [grid] 1 where a patch went on, 0 where not, or the share of draws in which it did
/// @param pixels  the original, of geometry.original's size; changed in place
void darken_ignored(std::span<const float> kept, PatchGrid grid, const CropGeometry& geometry, Image& pixels);

}  // namespace fovea
