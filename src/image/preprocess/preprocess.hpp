// A decoded picture to the exact pixels that the network was trained on.
#pragma once

#include "fovea/image.hpp"

namespace fovea {

struct Preprocessed {
  Image pixels;  // recipe.input_size; padding included
  CropGeometry geometry;
};

/// The recipe's steps before normalisation: resize, then crop or pad. 0 bytes differ from timm, torchvision and both
/// backends of transformers. Resizes only the rows and columns that the crop needs.
/// @throws Error  kShape where the recipe itself cannot handle the picture (a side that becomes 0, or no crop for it).
[[nodiscard]] Preprocessed preprocess(const Image& image, const PreprocessRecipe& recipe);
/// The same of a picture that was decoded smaller than it is: sizes and places are those of the whole.
/// @param whole  its own size
[[nodiscard]] Preprocessed preprocess(const Image& image, const PreprocessRecipe& recipe, Size whole);

/// What the recipe resizes a picture of this size to, before it is cut or padded.
/// @throws Error  kShape where a side would become 0.
[[nodiscard]] Size resized_size(Size picture, const PreprocessRecipe& recipe);

}  // namespace fovea
