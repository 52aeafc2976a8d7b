// A mark that is painted into a picture, so that it is known which patches hold it.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "fovea/image.hpp"

namespace fovea {

/// A disc with a cross on it: its square, in px of the network's input.
struct PlantedMark {
  std::size_t side = 0;
  std::size_t top = 0;
  std::size_t left = 0;
};

/// Paints the mark in yellow and blue, two colours that photographs have, too.
/// @param patches  [T, 3·P·P], normalised by `recipe`
/// @param mark     lies within the image
void plant_mark(const PlantedMark& mark, const PreprocessRecipe& recipe, PatchGrid grid, std::size_t patch_size,
                std::span<float> patches);

/// @return  [T], the share of each patch that the mark covers
[[nodiscard]] std::vector<float> mark_coverage(const PlantedMark& mark, PatchGrid grid, std::size_t patch_size);

}  // namespace fovea
