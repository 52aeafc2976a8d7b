#include "image/preprocess/mosaic.hpp"

#include "image/preprocess/patch_pixels.hpp"

namespace fovea {
std::vector<float> half_image(std::span<const float> patches, PatchGrid grid, std::size_t patch_size) {
  const PatchPixels pixels(grid, patch_size);
  const std::size_t height = pixels.height() / 2;
  const std::size_t width = pixels.width() / 2;
  std::vector<float> half;
  half.reserve(3 * height * width);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t y = 0; y < 2 * height; y += 2) {
      for (std::size_t x = 0; x < 2 * width; x += 2) {
        const float sum = patches[pixels.at(c, y, x)] + patches[pixels.at(c, y, x + 1)] +
                          patches[pixels.at(c, y + 1, x)] + patches[pixels.at(c, y + 1, x + 1)];
        half.push_back(sum / 4);
      }
    }
  }
  return half;
}

std::vector<float> mosaic_patches(const std::array<std::span<const float>, 4>& tiles, PatchGrid grid,
                                  std::size_t patch_size) {
  const PatchPixels pixels(grid, patch_size);
  const std::size_t height = pixels.height() / 2;
  const std::size_t width = pixels.width() / 2;
  std::vector<float> patches(3 * pixels.height() * pixels.width());
  for (std::size_t tile = 0; tile < 4; ++tile) {
    for (std::size_t i = 0; i < tiles[tile].size(); ++i) {
      const std::size_t y = tile / 2 * height + i / width % height;
      const std::size_t x = tile % 2 * width + i % width;
      patches[pixels.at(i / width / height, y, x)] = tiles[tile][i];
    }
  }
  return patches;
}

}  // namespace fovea
