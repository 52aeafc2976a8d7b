// The attention pool: one learned query attends to the tokens (timm AttentionPoolLatent, Lee et al. 2019).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "fovea/tensor.hpp"
#include "model/weights/weights.hpp"
#include "nn/attention/attention.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// What the pool computed for one image, as far as its backward pass needs it.
struct PooledTokens {
  std::vector<float> kv;         // [n, 2D]
  std::vector<float> attention;  // [H, n]
  std::vector<float> x;          // [D], after the projection
  std::vector<float> wide;       // [F], before the activation
  std::vector<float> pooled;     // [D]
};

/// Compiled for one image.
class AttentionPool {
 public:
  /// @param architecture  of a model that is read out at an attention pool
  AttentionPool(const Architecture& architecture, Precision precision, nn::Workspace& workspace);

  /// n, and the pool's own heads: the pool sees the last n tokens, all but the prefix tokens in some models.
  [[nodiscard]] nn::AttentionShape shape() const noexcept { return shape_; }
  /// x = proj(attention(query, tokens)); x + mlp(norm(x)).
  /// @param tokens  [N, D], after the final norm
  [[nodiscard]] PooledTokens forward(const AttentionPoolWeights& weights, std::span<const float> tokens) const;

 private:
  Architecture a_;
  nn::AttentionShape shape_;
  std::unique_ptr<nn::Linear> kv_;    // [n, D] → [n, 2D]
  std::unique_ptr<nn::Linear> proj_;  // [1, D] → [1, D]
  std::unique_ptr<nn::Linear> fc1_;   // [1, D] → [1, F]
  std::unique_ptr<nn::Linear> fc2_;   // [1, F] → [1, D]
};

}  // namespace fovea
