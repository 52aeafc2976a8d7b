// The backward pass of multi-head attention for one image: gradients of a score with respect to the attention matrices,
// and to queries, keys and values.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/tensor.hpp"
#include "nn/attention/attention.hpp"

namespace fovea::nn {

class AttentionBackward {
 public:
  explicit AttentionBackward(const AttentionShape& shape);

  /// G = do · vᵀ, for each head: ∂score/∂A.
  /// @param qkv       [N, 3, H, d], as the attention read it
  /// @param queries   only the first so many rows of `d_out` are not zero
  /// @param d_out     [queries, H, d]
  /// @param gradient  [H, N, N]; rows from `queries` on are set to zero
  void weights(std::span<const float> qkv, std::size_t queries, std::span<const float> d_out,
               std::span<float> gradient);

  /// The rest of the backward pass: dv = Aᵀ do; dS = A ⊙ (G - rowsum(G ⊙ A)); dq = dS k / √d; dk = dSᵀ q / √d.
  /// @param attention, gradient  [H, N, N]
  /// @param d_qkv                [N, 3, H, d]
  void inputs(std::span<const float> qkv, std::span<const float> attention, std::size_t queries,
              std::span<const float> d_out, std::span<const float> gradient, std::span<float> d_qkv);

  /// dv = Aᵀ do alone: the backward pass where A is constant.
  /// @param attention  [H, N, N]
  /// @param d_value    [N, H, d]
  void values(std::span<const float> attention, std::size_t queries, std::span<const float> d_out,
              std::span<float> d_value) const;

 private:
  AttentionShape shape_;
  std::vector<AlignedBuffer<float>> values_;  // for each thread [d, N], v of a head transposed
  std::size_t stride_;                        // of rows of N on cache lines
  AlignedBuffer<float> d_scores_;             // [H, N, stride]
};

/// The backward pass of attend_with_one_query(); for Gradients::kLibra the weights are constant and keys receive 0.
/// @param kv        [n, 2, H, d]
/// @param weights   [H, n]
/// @param d_out     [H, d]
/// @param gradient  [H, n], receives ∂score/∂weights
/// @param d_kv      [n, 2, H, d]
void attend_with_one_query_backward(const AttentionShape& shape, Gradients gradients, std::span<const float> query,
                                    std::span<const float> kv, std::span<const float> weights,
                                    std::span<const float> d_out, std::span<float> gradient, std::span<float> d_kv);

}  // namespace fovea::nn
