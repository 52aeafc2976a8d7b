// The normalised pixel matrix, cut into patches with OpenCV.
#pragma once

#include <cstddef>
#include <span>

#include "fovea/image.hpp"

namespace fovea {

/// Pixels to float32 by the recipe's Normalization, in the reference's order of operations: equal to the bit.
/// @param chw  [3, height, width]
void normalize(const Image& image, const PreprocessRecipe& recipe, std::span<float> chw);

/// Normalises as above and cuts the result into patches, row by row; each patch is channel-major (3, P, P), the
/// order in which a convolution kernel [D, 3, P, P] is flattened. Pixels behind the last whole patch are left out, as a
/// convolution leaves them out.
/// @param patches  [T, 3·P·P]
/// @throws Error   kShape if the picture is smaller than a patch, or `patches` has another size.
void extract_patches(const Image& image, const PreprocessRecipe& recipe, std::size_t patch_size,
                     std::span<float> patches);

}  // namespace fovea
