// Which of a model's linear layers can be rounded to 8-bit integers, by what rounding adds.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fovea/precision.hpp"
#include "model/weights/block_layers.hpp"

namespace fovea {

/// Power of what is there, and of what rounding adds.
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
  Noise of_scores;  // of the model's scores, when this layer alone is rounded; only of those that write to the tokens
};

/// Whether what a layer puts out is added to the tokens (proj, fc2).
[[nodiscard]] bool writes_tokens(BlockLayer layer) noexcept;

/// kInt8, or kBf16 for the first block and for layers that are too noisy: those behind a norm, by their own outputs; of
/// those that write to the tokens as many as must for what the others add to the scores to stay below a limit, in the
/// order of what each adds for its arithmetic.
[[nodiscard]] std::vector<Precision> choose_precisions(std::span<const LayerNoise> layers);

}  // namespace fovea
