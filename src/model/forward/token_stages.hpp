// Which tokens of one image go on and what the other tokens become: token selection and merging without training.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fovea/tensor.hpp"

namespace fovea {

/// What a stage makes of N tokens: N' tokens, each a weighted sum of some of them. Prefix tokens go on alone, in front.
struct TokenStage {
  std::size_t tokens = 0;            // N'
  std::vector<std::size_t> becomes;  // [N] the token, of N', that a token becomes part of
  std::vector<float> weight;         // [N] its weight in the sum that this token is; 1 where it goes on alone
  std::vector<std::uint8_t> kept;    // [N] whether it goes on as itself or merged with what is like it
};

/// EViT's selection (Liang et al. 2022, section 3.2): the `count` most preferred tokens go on in their order; the other
/// tokens become one, last, Σ attention · x, not renormalised.
/// @param prefix      tokens that always go on
/// @param attention   [N - prefix], the class token's, mean over heads
/// @param preference  [N - prefix]; ties go to the earlier token
/// @param count       0 < count < N - prefix
[[nodiscard]] TokenStage keep_preferred(std::size_t prefix, std::span<const float> attention,
                                        std::span<const double> preference, std::size_t count);

/// Preferences whose highest `count` are a draw without replacement in proportion to `weights`, whatever `count` is
/// (Efraimidis & Spirakis 2006, exponential clocks).
/// @param stream  which random numbers: the same ones for the same stream on every machine
[[nodiscard]] std::vector<double> random_preference(std::span<const float> weights, std::uint64_t stream);

/// ToMe's bipartite soft matching (Bolya et al. 2023, section 3.1, in the order of their merge.py): tokens are dealt
/// out alternately to A and B, each token of A picks the most similar one of B, and the `count` most similar pairs are
/// merged to their mean by size. First come the prefix tokens, which neither merge nor are merged with, then what is
/// left of A, then B.
/// @param keys   [N, d], mean over heads; only their directions count
/// @param sizes  [N], of how many patches a token is made
/// @param count  at most (N - prefix) / 2
[[nodiscard]] TokenStage merge_most_similar(std::size_t prefix, MatrixView<const float> keys,
                                            std::span<const float> sizes, std::size_t count);

}  // namespace fovea
