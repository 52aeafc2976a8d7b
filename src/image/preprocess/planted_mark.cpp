#include "image/preprocess/planted_mark.hpp"

#include <cmath>
#include <cstdint>

#include "image/preprocess/patch_pixels.hpp"
#include "image/preprocess/patches.hpp"

namespace fovea {
namespace {

constexpr std::array<std::uint8_t, 3> kDiscColour{217, 191, 51};
constexpr std::array<std::uint8_t, 3> kCrossColour{38, 51, 140};

enum class MarkPart { kNone, kDisc, kCross };

/// @param y, x  px from the upper left corner of the mark's square
MarkPart part_at(std::size_t side, std::size_t y, std::size_t x) {
  const double middle = (static_cast<double>(side) - 1) / 2;
  const double down = static_cast<double>(y) - middle;
  const double right = static_cast<double>(x) - middle;
  if (std::hypot(down, right) > static_cast<double>(side) / 2) return MarkPart::kNone;
  const double arm = static_cast<double>(side) / 10;
  return std::abs(down) < arm || std::abs(right) < arm ? MarkPart::kCross : MarkPart::kDisc;
}

/// @return  [3, 2]: channels of the disc and of the cross
std::array<float, 6> normalized_colours(const PreprocessRecipe& recipe) {
  Image pixels(Size{1, 2});
  for (std::size_t c = 0; c < 3; ++c) {
    pixels.row(0)[c] = kDiscColour[c];
    pixels.row(0)[3 + c] = kCrossColour[c];
  }
  std::array<float, 6> colours{};
  normalize(pixels, recipe, colours);
  return colours;
}

}  // namespace

void plant_mark(const PlantedMark& mark, const PreprocessRecipe& recipe, PatchGrid grid, std::size_t patch_size,
                std::span<float> patches) {
  const PatchPixels pixels(grid, patch_size);
  const std::array<float, 6> colours = normalized_colours(recipe);
  for (std::size_t y = 0; y < mark.side; ++y) {
    for (std::size_t x = 0; x < mark.side; ++x) {
      const MarkPart part = part_at(mark.side, y, x);
      if (part == MarkPart::kNone) continue;
      for (std::size_t c = 0; c < 3; ++c) {
        patches[pixels.at(c, mark.top + y, mark.left + x)] = colours[2 * c + (part == MarkPart::kCross ? 1 : 0)];
      }
    }
  }
}

std::vector<float> mark_coverage(const PlantedMark& mark, PatchGrid grid, std::size_t patch_size) {
  const PatchPixels pixels(grid, patch_size);
  std::vector<float> covered(grid.size(), 0.0F);
  const float pixel = 1.0F / static_cast<float>(patch_size * patch_size);
  for (std::size_t y = 0; y < mark.side; ++y) {
    for (std::size_t x = 0; x < mark.side; ++x) {
      if (part_at(mark.side, y, x) != MarkPart::kNone) covered[pixels.patch_at(mark.top + y, mark.left + x)] += pixel;
    }
  }
  return covered;
}

}  // namespace fovea
