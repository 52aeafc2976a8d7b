// What a class's score is made of, block by block and head by head.
#pragma once

#include <span>
#include <vector>

#include "explain/attention_stream.hpp"
#include "fovea/explain.hpp"

namespace fovea {

/// Collects a backward pass with libra gradients: each block's attention with its gradient, then its terms; last block
/// first.
class Contributions {
 public:
  explicit Contributions(const TokenLayout& layout);

  /// @param gradient  ∂score/∂A, [H, N, N]
  /// @throws Error    kShape for another block than the next, or other sizes; as do the others.
  void observe(const AttentionView& attention, std::span<const float> gradient);
  void observe(const ScoreTerms& terms);
  /// First block first. Once, after everything was observed.
  [[nodiscard]] std::vector<BlockContributions> take();

 private:
  AttentionStream attention_;
  AttentionStream terms_;
  std::vector<BlockContributions> blocks_;  // last block first
};

}  // namespace fovea
