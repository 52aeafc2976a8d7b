// Attention rollout by the book: every matrix kept, every product taken, in double.
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

/// Defaults but for the heads.
[[nodiscard]] inline ExplainOptions with_heads(HeadFusion fusion) {
  ExplainOptions options;
  options.head_fusion = fusion;
  return options;
}

/// Row-stochastic attention of `num_blocks` blocks, peaked as a trained model's is: same seed, same values.
[[nodiscard]] std::vector<std::vector<float>> random_attention(const TokenLayout& layout, unsigned seed);

}  // namespace fovea::test
