// Writes a model whose blocks' linear layers are integers or bfloat16 numbers, and all else unchanged, as one file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "base/pending_file.hpp"
#include "fovea/precision.hpp"
#include "model/config/checkpoint_folder.hpp"
#include "model/weights/block_layers.hpp"

namespace fovea {

/// A linear layer in the form that is written.
struct StoredLayer {
  std::size_t block;
  BlockLayer kind;
  LayerSize size;
  Precision precision;                    // kInt8, or kBf16: the checkpoint's weight, rounded
  std::span<const std::int8_t> integers;  // [out, in], of int8
  std::span<const float> scales;          // [out], of int8
  std::span<const float> smoothing;       // [in], of int8: divides the norm before this layer; empty: nothing
};

/// One safetensors file with all that the model's folder says.
/// @param model      that the layers were read from
/// @param layers     all linear layers of the blocks
/// @param precision  that the file is meant for
/// @throws Error     kOutput.
void write_quantized(const OpenModel& model, std::span<const StoredLayer> layers, Precision precision,
                     PendingFile& file);

}  // namespace fovea
