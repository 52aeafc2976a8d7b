// Normalises pixels and cuts them into patches with OpenCV.
#pragma once

#include <cstddef>
#include <span>

#include "fovea/image.hpp"
#include "image/preprocess/preprocess.hpp"

namespace fovea {

/// Converts pixels to float32 by the recipe's Normalization, in the reference's order of operations, so that the result
/// is equal to the bit.
/// @param chw  [3, height, width]
void normalize(const Image& image, const PreprocessRecipe& recipe, std::span<float> chw);

/// The network's input, whether the recipe resizes bytes or floats.
/// @param chw  [3, height, width]
void normalize(const Preprocessed& ready, const PreprocessRecipe& recipe, std::span<float> chw);

/// Cuts a normalised picture into patches, row by row. Each patch is channel-major (3, P, P), the order in which a
/// convolution kernel [D, 3, P, P] is flattened. Pixels after the last whole patch are left out, as a convolution
/// leaves them out.
/// @param chw      [3, height, width]
/// @param patches  [T, 3·P·P]
/// @throws Error   kShape if the picture is smaller than a patch, or `patches` has another size.
void cut_patches(std::span<const float> chw, Size size, std::size_t patch_size, std::span<float> patches);

/// normalize() and cut_patches() in one pass over the pixels.
/// @param patches  [T, 3·P·P]
/// @throws Error   kShape if the picture is smaller than a patch, or `patches` has another size.
void extract_patches(const Image& image, const PreprocessRecipe& recipe, std::size_t patch_size,
                     std::span<float> patches);
/// The same, whether the recipe resizes bytes or floats.
void extract_patches(const Preprocessed& ready, const PreprocessRecipe& recipe, std::size_t patch_size,
                     std::span<float> patches);

/// Moves the image that the patches form: pixel (y, x) becomes what lay at (y + down, x + right); the pixels at the
/// edges are repeated.
/// @param patches, shifted  [T, 3·P·P]
void shift_patches(std::span<const float> patches, PatchGrid grid, std::size_t patch_size, int down, int right,
                   std::span<float> shifted);

/// Blurs the image that the patches form with a Gaussian of 11x11 px and sigma 5 px, as RISE does. Beyond the edges the
/// image is 0, the mean colour.
/// @param patches, blurred  [T, 3·P·P]
void blur_patches(std::span<const float> patches, PatchGrid grid, std::size_t patch_size, std::span<float> blurred);

}  // namespace fovea
