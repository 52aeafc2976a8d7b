// The network's input as a picture again.
#pragma once

#include <cstddef>
#include <span>

#include "fovea/image.hpp"

namespace fovea {

/// The picture whose patches are nearest to these, level by level.
/// @param patches  [T, 3·P·P], normalised by `recipe`
[[nodiscard]] Image image_of_patches(std::span<const float> patches, const PreprocessRecipe& recipe, PatchGrid grid,
                                     std::size_t patch_size);

}  // namespace fovea
