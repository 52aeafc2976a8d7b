// Which of a model's linear layers can be rounded to 8-bit integers, by what rounding adds.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fovea/precision.hpp"
#include "model/family/family.hpp"
#include "model/weights/block_layers.hpp"

namespace fovea {

/// Power of exact values, and of what rounding adds to them.
struct Noise {
  double signal = 0;
  double noise = 0;
  void add(double value, double error) noexcept {
    signal += value * value;
    noise += error * error;
  }
  /// noise / signal; infinite where that is no number.
  [[nodiscard]] double ratio() const noexcept;
  [[nodiscard]] double snr_db() const noexcept;
};

struct LayerNoise {
  std::size_t block = 0;
  BlockLayer kind = BlockLayer::kQkv;
  LayerSize size;
  Noise own;        // of its outputs
  Noise of_scores;  // of the model's scores, when this layer alone is rounded; only of proj and fc2
};

/// Whether what a layer puts out is added to the tokens (proj, fc2).
[[nodiscard]] bool writes_tokens(BlockLayer layer) noexcept;

/// kInt8, or kBf16 for the first block and for layers that are too noisy. A layer after a norm is too noisy by its own
/// outputs. Layers that write to the tokens are ranked by the noise that each adds to the scores for its size; the
/// noisiest of these layers are kBf16, as many as it takes for the remaining noise to stay below a limit.
[[nodiscard]] std::vector<Precision> choose_precisions(std::span<const LayerNoise> layers);
/// For blocks that have qkv and fc1 in one tensor: both stay in bfloat16 together. proj and fc2 always do where they
/// share a tensor's rows, because int8 has one scale for a row.
/// @param chosen  of all layers, in the order of the forward pass
void keep_tensors_whole(const Naming& naming, std::vector<Precision>& chosen);

}  // namespace fovea
