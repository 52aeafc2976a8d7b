// The way back from the logits to the tokens behind a block: heads, pooling, final norm.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "model/weights/weights.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// The gradient of a score with respect to what the model puts out; what the score does not read is empty.
struct OutputGradient {
  std::vector<float> logits;    // [C]
  std::vector<float> features;  // [feature_dim]
};

class ReadOutBackward {
 public:
  ReadOutBackward(const Architecture& architecture, Precision precision, nn::Workspace& workspace);

  /// @param x    tokens before the final norm: [N, D], or the leading ones where the read-out needs no patches
  /// @param d_x  as x; added to
  void operator()(const ModelWeights& weights, const ModelWeights& backward, std::span<const float> x,
                  const OutputGradient& d_output, std::span<float> d_x, const PoolGradientObserver& observe_pool);

  /// Where a head reads the class tokens of several blocks: adds the share of `block`, of which `x` is the output.
  void add_class_token(const ModelWeights& weights, std::size_t block, std::span<const float> x,
                       std::span<float> d_x) const;

 private:
  [[nodiscard]] std::vector<float> d_pooled(const ModelWeights& weights, const ModelWeights& backward,
                                            std::span<const float> normed, const OutputGradient& d_output);
  void through_attention_pool(const ModelWeights& weights, const ModelWeights& backward, std::span<const float> normed,
                              std::span<const float> d_pooled, std::span<float> d_normed,
                              const PoolGradientObserver& observe_pool);
  /// The pool's forward pass again, as far as its gradients need it.
  struct PoolForward {
    std::vector<float> kv;         // [n, 2D]
    std::vector<float> attention;  // [H, n]
    std::vector<float> x;          // [D], behind the projection
    std::vector<float> slope;      // [F], of the activation
    std::vector<float> pooled;     // [D]
  };
  [[nodiscard]] PoolForward run_pool(const AttentionPoolWeights& weights, std::span<const float> normed);

  Architecture a_;
  std::size_t seen_ = 0;                    // tokens that the attention pool attends to
  std::unique_ptr<nn::Linear> head_;        // [1, C] → [1, pooled]
  std::unique_ptr<nn::Linear> head_dist_;   // [1, C] → [1, D]
  std::unique_ptr<nn::Linear> projection_;  // [1, E] → [1, D]
  struct PoolLayers {
    std::unique_ptr<nn::Linear> kv, proj, fc1, fc2;
  };
  PoolLayers pool_forward_;
  PoolLayers pool_back_;
  std::vector<float> d_class_tokens_;  // [read_out_blocks - 1, D], behind the final norm
};

}  // namespace fovea
