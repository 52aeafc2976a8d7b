// From an input to what the model reads and what can be drawn on: a file, bytes, pixels, or a picture of a tensor.
#pragma once

#include <cstddef>

#include "fovea/image.hpp"
#include "fovea/model.hpp"
#include "fovea/prepare.hpp"
#include "image/preprocess/view.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/tensor_images.hpp"

namespace fovea {

/// How much of a picture is kept for drawing.
enum class Keep {
  kNothing,
  kSmall,  // what was decoded for the model: enough for a thumbnail
  kWhole,  // every pixel of it
};

struct LoadedPicture : PreparedImage {
  Size size;                // px, upright; of the whole picture
  int decoded_eighths = 8;  // of each side, for the model
  Image original;           // empty where nothing is kept for drawing
};

/// Asks the kernel to read the file soon, so that a cold disk works while the cores compute.
void prefetch(const Input& input);

/// @param index    of the input: which picture of `tensors`
/// @param tensors  null: the input says what is read
/// @param view     of a picture that is preprocessed; a tensor has none but the middle
/// @param keep     kWhole decodes a JPEG that was decoded fast a second time, in full
/// @throws Error   the failure that listing found; what reading and decoding find; kShape where the recipe cannot
/// handle
///                 a picture of this size.
[[nodiscard]] LoadedPicture load_picture(const Input& input, std::size_t index, const TensorImages* tensors,
                                         const DecodeOptions& decode, const ModelInfo& model, Keep keep,
                                         const View& view = {});

}  // namespace fovea
