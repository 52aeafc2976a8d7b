// Differential attention (Ye et al. 2024, Differential Transformer; timm diff_attention.py): of each head the
// difference of two softmaxes, whose queries and keys are half as wide as the head's values.
#pragma once

#include <span>

#include "nn/attention/attention.hpp"

namespace fovea::nn {

/// A = softmax(q₁ k₁ᵀ / √(d/2)) - λ softmax(q₂ k₂ᵀ / √(d/2)), where q₁ and k₁ are the first halves of a head's features
/// and q₂, k₂ the others. One thread computes a head.
/// @param qkv      [N, 3, H, d]
/// @param queries  only the first so many rows of `out` are needed
/// @param out      [N, H, d], A v; rows from `queries` on are undefined
/// @param weights  [H, N, N], receives A: each row sums to 1 - λ, those from `queries` on are zero. Or empty.
void attend_differentially(const AttentionShape& shape, float lambda, std::span<const float> qkv, std::size_t queries,
                           std::span<float> out, std::span<float> weights);

/// What queries, keys and values receive; the softmaxes are computed again.
/// @param queries  only the first so many rows of `d_out` and `gradient` are not zero
/// @param d_out    [queries, H, d]
/// @param gradient [H, N, N], ∂score/∂A
/// @param d_qkv    [N, 3, H, d]
void attend_differentially_backward(const AttentionShape& shape, float lambda, std::span<const float> qkv,
                                    std::size_t queries, std::span<const float> d_out, std::span<const float> gradient,
                                    std::span<float> d_qkv);

}  // namespace fovea::nn
