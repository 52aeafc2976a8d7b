#include "image/preprocess/patches_image.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "image/preprocess/patch_pixels.hpp"
#include "image/preprocess/patches.hpp"

namespace fovea {
namespace {

constexpr std::size_t kLevels = 256;

/// @return  [3, 256], rising: what each level of a channel becomes
std::vector<float> level_tables(const PreprocessRecipe& recipe) {
  Image ramp(Size{1, kLevels});
  for (std::size_t level = 0; level < kLevels; ++level) {
    for (std::size_t c = 0; c < 3; ++c) ramp.row(0)[3 * level + c] = static_cast<std::uint8_t>(level);
  }
  std::vector<float> tables(3 * kLevels);
  normalize(ramp, recipe, tables);
  return tables;
}

/// @param table  [256], rising
std::uint8_t nearest_level(std::span<const float> table, float value) {
  const auto above = std::lower_bound(table.begin(), table.end(), value);
  if (above == table.begin()) return 0;
  if (above == table.end()) return kLevels - 1;
  const auto level = above - table.begin();
  return static_cast<std::uint8_t>(*above - value < value - *(above - 1) ? level : level - 1);
}

}  // namespace

Image image_of_patches(std::span<const float> patches, const PreprocessRecipe& recipe, PatchGrid grid,
                       std::size_t patch_size) {
  const PatchPixels pixels(grid, patch_size);
  const std::vector<float> tables = level_tables(recipe);
  Image image(Size{static_cast<int>(pixels.height()), static_cast<int>(pixels.width())});
  for (std::size_t y = 0; y < pixels.height(); ++y) {
    for (std::size_t x = 0; x < pixels.width(); ++x) {
      for (std::size_t c = 0; c < 3; ++c) {
        image.row(static_cast<int>(y))[3 * x + c] =
            nearest_level(std::span(tables).subspan(c * kLevels, kLevels), patches[pixels.at(c, y, x)]);
      }
    }
  }
  return image;
}

}  // namespace fovea
