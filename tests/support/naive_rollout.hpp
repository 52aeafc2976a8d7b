// Attention rollout as the paper defines it: every matrix kept, every product computed, in double.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fovea/explain.hpp"

namespace fovea::test {

/// @param blocks  one [num_heads, tokens, tokens] for each block, first to last.
/// @return        [tokens, tokens]: R of Abnar & Zuidema 2020, the later block on the left.
[[nodiscard]] std::vector<double> naive_rollout(std::span<const std::vector<float>> blocks, std::size_t num_heads,
                                                std::size_t tokens, HeadFusion fusion);

/// Default options with this head fusion.
[[nodiscard]] inline ExplainOptions with_heads(HeadFusion fusion) {
  ExplainOptions options;
  options.head_fusion = fusion;
  return options;
}

/// Row-stochastic attention of `num_blocks` blocks, peaked like a trained model's. The same seed gives the same values.
[[nodiscard]] std::vector<std::vector<float>> random_attention(const TokenLayout& layout, unsigned seed);

}  // namespace fovea::test
