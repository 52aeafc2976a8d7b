// Writes a model whose blocks' linear layers are integers or bfloat16 numbers, and all else unchanged, as one file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/pending_file.hpp"
#include "checkpoint/formats/safetensors_writer.hpp"
#include "fovea/model.hpp"
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

/// The tensors that are stored in another form than the checkpoint's, by name.
/// @param model   that the layers were read from
/// @param layers  all linear layers of the blocks
[[nodiscard]] std::vector<StoredTensor> rounded_tensors(const OpenModel& model, std::span<const StoredLayer> layers);

/// One safetensors file with all that the model's folder says.
/// @param rounded    of this model; they replace the checkpoint's, or in a cascade lie beside those
/// @param precision  that the file is meant for
/// @param cascade    none: the file has the rounded form alone
/// @throws Error     kOutput.
void write_quantized(const OpenModel& model, std::vector<StoredTensor> rounded, Precision precision,
                     const std::optional<CascadeInfo>& cascade, PendingFile& file);

}  // namespace fovea
