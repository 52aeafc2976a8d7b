// A decoded picture to the exact pixels that the network was trained on.
#pragma once

#include "fovea/image.hpp"

namespace fovea {

struct Preprocessed {
  Image pixels;  // recipe.input_size; padding included
  CropGeometry geometry;
};

/// timm's evaluation transform (timm/data/transforms_factory.py) before normalisation: resize with Pillow's
/// resampler, then centre crop (or squash, or border). 0 bytes differ from timm on Pillow 13.
/// Resizes only the rows and columns that the crop needs.
/// @throws Error  kShape where the recipe itself cannot handle the picture (border mode on extreme ratios).
[[nodiscard]] Preprocessed preprocess(const Image& image, const PreprocessRecipe& recipe);

}  // namespace fovea
