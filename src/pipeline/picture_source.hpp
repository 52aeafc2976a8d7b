// From an input to what the model is fed, and what can be drawn on: a file that is decoded, or a tensor's picture.
#pragma once

#include <cstddef>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/model.hpp"
#include "pipeline/inputs.hpp"
#include "pipeline/tensor_images.hpp"

namespace fovea {

struct LoadedPicture {
  Size size;  // px, upright
  CropGeometry geometry;
  std::vector<float> patches;  // [T, 3·P·P], normalised
  Image original;              // these two only where something is drawn
  Image network_input;         // what became the patches
};

/// Asks the kernel to read the file soon, so that a cold disk works while the cores do.
void announce(const Input& input);

/// @param index    of the input: which picture of `tensors`
/// @param tensors  null: the input is an image file, or standard input
/// @param draws    whether the pictures themselves are kept
/// @throws Error   what listing found, what reading and decoding find, kShape where the recipe cannot handle its size.
[[nodiscard]] LoadedPicture load_picture(const Input& input, std::size_t index, const TensorImages* tensors,
                                         const DecodeOptions& decode, const ModelInfo& model, bool draws);

}  // namespace fovea
