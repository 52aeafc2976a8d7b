// Turns a decoded picture into the exact pixels that the network was trained on.
#pragma once

#include <vector>

#include "fovea/image.hpp"
#include "image/preprocess/view.hpp"

namespace fovea {

struct Preprocessed {
  Image pixels;  // of fed_size(); padding included
  /// [3, height, width], the same before it is rounded to 8 bits, times rescale_factor; empty unless kAtenFloat.
  std::vector<float> scaled;
  CropGeometry geometry;
};

/// Performs the recipe's steps before normalisation: resize, then crop or pad. No byte of `pixels` differs from timm,
/// torchvision or either backend of transformers. Only rows and columns that the crop needs are resized.
/// @throws Error  kShape if the recipe itself cannot handle the picture (a side becomes 0, or the crop does not fit).
[[nodiscard]] Preprocessed preprocess(const Image& image, const PreprocessRecipe& recipe);
/// The same for a picture that was decoded at a reduced size: sizes and positions refer to the whole picture.
/// @param whole  the size of the whole picture
/// @param view   which part of the resized picture is cut out; where it is no larger than the crop, all are the middle
[[nodiscard]] Preprocessed preprocess(const Image& image, const PreprocessRecipe& recipe, Size whole,
                                      const View& view = {});

/// The size that the recipe resizes a picture of this size to, before cropping or padding.
/// @throws Error  kShape if a side would become 0.
[[nodiscard]] Size resized_size(Size picture, const PreprocessRecipe& recipe);

}  // namespace fovea
