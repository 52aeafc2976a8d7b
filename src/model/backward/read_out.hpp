// The read-out's backward pass, from the logits to the tokens after a block: heads, pool, final norm. Its forward twin
// is model/forward/read_out.hpp.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "model/backward/attention_pool.hpp"
#include "model/backward/gamma_linear.hpp"
#include "model/backward/mode.hpp"
#include "model/forward/attention_pool.hpp"
#include "model/weights/weights.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// The gradient of a score with respect to what the model puts out; what the score does not read is empty.
struct OutputGradient {
  std::vector<float> logits;    // [C]
  std::vector<float> features;  // [feature_dim]
  std::vector<float> pooled;    // [pooled_dim], no gradient but what the head read: LRP-γ needs it
};

class ReadOutBackward {
 public:
  ReadOutBackward(const Architecture& architecture, Precision precision, nn::Workspace& workspace);

  /// @param x     tokens before the final norm: [N, D], or the leading ones where the read-out needs no patches
  /// @param d_x   as x; added to
  /// @param mode  the biases of the read-out are counted there, those of add_class_token() included
  void operator()(const ModelWeights& weights, const ModelWeights& backward, std::span<const float> x,
                  OutputGradient d_output, std::span<float> d_x, BackwardMode& mode,
                  const PoolGradientObserver& observe_pool);

  /// Where a head reads the class tokens of several blocks: adds the share of `block`, of which `x` is the output.
  void add_class_token(const ModelWeights& weights, Gradients gradients, std::size_t block, std::span<const float> x,
                       std::span<float> d_x) const;

 private:
  [[nodiscard]] std::vector<float> d_pooled(const ModelWeights& weights, const ModelWeights& backward,
                                            std::span<const float> normed, const PooledTokens& pool,
                                            const OutputGradient& d_output, BackwardMode& mode);
  /// One of the two heads.
  void head_backward(const nn::LinearWeights& forward, const nn::LinearWeights& backward, bool distillation,
                     std::span<const float> x, std::span<const float> d_logits, std::span<float> d_x,
                     BackwardMode& mode);
  void patch_mean_backward(std::span<const float> d_mean, std::span<float> d_tokens) const;

  Architecture a_;
  Precision precision_;
  nn::Workspace& workspace_;
  std::unique_ptr<nn::Linear> head_;              // [1, C] → [1, pooled]
  std::unique_ptr<nn::Linear> head_dist_;         // [1, C] → [1, D]
  std::unique_ptr<nn::Linear> projection_;        // [1, E] → [1, D]
  std::unique_ptr<GammaLinear> gamma_head_;       // compiled when a gamma is asked for
  std::unique_ptr<GammaLinear> gamma_head_dist_;  // likewise
  std::optional<AttentionPool> pool_;             // forward again: only its output was kept
  std::optional<AttentionPoolBackward> pool_backward_;
  std::vector<float> d_class_tokens_;  // [read_out_blocks - 1, D], after the final norm
};

}  // namespace fovea
