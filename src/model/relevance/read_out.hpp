// The read-out in double, from the tokens after the last block to the logits, and backward: gradients and relevance.
#pragma once

#include <vector>

#include "fovea/architecture.hpp"
#include "model/relevance/layers.hpp"
#include "model/relevance/weights.hpp"

namespace fovea {

/// Gradient, or relevance, of the tokens that are read out.
struct ReadOutBackwardF64 {
  nn::MatrixF64 x;        // [N, D], after the last block
  nn::MatrixF64 earlier;  // [read_out_blocks - 1, D], of the class tokens after the blocks before it, first to last
};

class ReadOutF64 {
 public:
  /// @param x        [N, D], after the last block, before the final norm
  /// @param earlier  [read_out_blocks - 1, D], as above
  ReadOutF64(const Architecture& architecture, const RelevanceWeights& weights, nn::MatrixF64 x, nn::MatrixF64 earlier);

  /// @param d_logits  [1, C]
  [[nodiscard]] ReadOutBackwardF64 gradient(const nn::MatrixF64& d_logits) const;
  /// @param relevance  [1, C], of the logits
  [[nodiscard]] ReadOutBackwardF64 relevance(const nn::MatrixF64& relevance) const;

 private:
  const Architecture& a_;
  const RelevanceWeights& weights_;
  nn::MatrixF64 x_;
  nn::MatrixF64 earlier_;
  nn::MatrixF64 normed_;        // [N, D]
  nn::MatrixF64 pooled_;        // [1, pooled]
  nn::MatrixF64 head_in_;       // [1, pooled], after fc_norm
  nn::MatrixF64 head_dist_in_;  // [1, D], of two heads
};

}  // namespace fovea
