// Multi-head attention in double: forward, gradient, and relevance by the rule for products of Chefer, Gur & Wolf 2021,
// Transformer Interpretability Beyond Attention Visualization, section 3.
#pragma once

#include <cstddef>
#include <span>

#include "nn/linear/matmul_f64.hpp"

namespace fovea {

/// Multi-head attention with what its backward pass needs.
struct AttentionF64 {
  std::size_t num_heads = 0;
  nn::MatrixF64 qkv;      // [N, 3D], the columns as [3, H, d]
  nn::MatrixF64 weights;  // [H·N, N], each row sums to 1
  nn::MatrixF64 mixed;    // [N, D], the heads' outputs side by side
};
/// @param bias  [H, N, N], added to the logits; or empty
[[nodiscard]] AttentionF64 attend(std::size_t num_heads, nn::MatrixF64 qkv, std::span<const double> bias);

/// What attention's inputs receive: gradients, or relevance.
struct AttentionBackwardF64 {
  nn::MatrixF64 weights;  // [H·N, N], of the attention matrices
  nn::MatrixF64 qkv;      // [N, 3D]
};
/// G = do vᵀ; dv = Aᵀ do; dS = A ⊙ (G - rowsum(G ⊙ A)); dq = dS k / √d; dk = dSᵀ q / √d.
[[nodiscard]] AttentionBackwardF64 attention_gradient(const AttentionF64& attention, const nn::MatrixF64& d_mixed);
/// The rule for a product Z = X Y: S = R / Z; X receives X ⊙ (S Yᵀ) / 2 and Y receives Y ⊙ (Xᵀ S) / 2. It is applied to
/// A v first; then, with what A received, to q kᵀ.
[[nodiscard]] AttentionBackwardF64 attention_relevance(const AttentionF64& attention, const nn::MatrixF64& relevance);

}  // namespace fovea
