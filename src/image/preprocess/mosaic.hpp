// Four pictures as one, each a quarter of it.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "fovea/image.hpp"

namespace fovea {

/// The image that the patches form at half its size: the mean of 2x2 px each; an odd last row or column is left out.
/// @param patches  [T, 3·P·P]
/// @return         [3, height / 2, width / 2]
[[nodiscard]] std::vector<float> half_image(std::span<const float> patches, PatchGrid grid, std::size_t patch_size);

/// @param tiles  row by row, each of half_image()
/// @return       [T, 3·P·P]; a row or column that no tile covers is 0, the mean colour
[[nodiscard]] std::vector<float> mosaic_patches(const std::array<std::span<const float>, 4>& tiles, PatchGrid grid,
                                                std::size_t patch_size);

}  // namespace fovea
