// From an input to what the model is fed, and what can be drawn on: a file that is decoded, or a tensor's picture.
#pragma once

#include <cstddef>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/model.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/tensor_images.hpp"

namespace fovea {

/// How much of a picture is kept for drawing.
enum class Keep {
  kNothing,
  kSmall,  // what was decoded for the model: enough for a thumbnail
  kWhole,  // every pixel of it
};

struct LoadedPicture {
  Size size;                // px, upright; of the whole picture
  int decoded_eighths = 8;  // of each side, for the model
  CropGeometry geometry;
  std::vector<float> patches;  // [T, 3·P·P], normalised
  Image original;              // these two only where something is drawn
  Image network_input;         // what became the patches
};

/// Asks the kernel to read the file soon, so that a cold disk works while the cores do.
void prefetch(const Input& input);

/// @param index    of the input: which picture of `tensors`
/// @param tensors  null: the input is an image file, or standard input
/// @param keep     of a JPEG decoded fast the whole is decoded a second time, if it is wanted
/// @throws Error   what listing found, what reading and decoding find, kShape where the recipe cannot handle its size.
[[nodiscard]] LoadedPicture load_picture(const Input& input, std::size_t index, const TensorImages* tensors,
                                         const DecodeOptions& decode, const ModelInfo& model, Keep keep);

}  // namespace fovea
