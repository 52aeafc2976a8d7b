// The attention pool's backward pass; its forward twin is model/forward/attention_pool.hpp.
#pragma once

#include <memory>
#include <span>

#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "model/backward/gamma_linear.hpp"
#include "model/backward/mode.hpp"
#include "model/forward/attention_pool.hpp"
#include "model/weights/weights.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// Compiled for one image.
class AttentionPoolBackward {
 public:
  AttentionPoolBackward(const Architecture& architecture, Precision precision, const nn::AttentionShape& shape,
                        nn::Workspace& workspace);

  /// @param weights   of the forward pass; @param backward  of the backward pass
  /// @param pool      what AttentionPool::forward() returned
  /// @param d_pooled  [D]
  /// @param d_tokens  [N, D]; the rows that the pool sees are overwritten
  /// @param mode      the pool's biases are counted there
  /// @param observe   may be empty
  void operator()(const AttentionPoolWeights& weights, const AttentionPoolWeights& backward, const PooledTokens& pool,
                  std::span<const float> d_pooled, std::span<float> d_tokens, BackwardMode& mode,
                  const PoolGradientObserver& observe);

 private:
  void mlp_backward(const AttentionPoolWeights& weights, const AttentionPoolWeights& backward, const PooledTokens& pool,
                    std::span<const float> d_pooled, std::span<float> d_normed, BackwardMode& mode);

  Architecture a_;
  Precision precision_;
  nn::Workspace& workspace_;
  nn::AttentionShape shape_;
  std::unique_ptr<nn::Linear> kv_;          // [n, 2D] → [n, D]
  std::unique_ptr<nn::Linear> proj_;        // [1, D] → [1, D]
  std::unique_ptr<nn::Linear> fc1_;         // [1, F] → [1, D]
  std::unique_ptr<nn::Linear> fc2_;         // [1, D] → [1, F]
  std::unique_ptr<GammaLinear> gamma_fc1_;  // compiled when a gamma is asked for
  std::unique_ptr<GammaLinear> gamma_fc2_;  // likewise
};

}  // namespace fovea
