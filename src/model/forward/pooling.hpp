// From the tokens behind the last block to features and logits: final norm, pooling, heads.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "model/weights/weights.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// Compiled for one image at a time, so that no kernel ever depends on the batch.
class Pooling {
 public:
  Pooling(const Architecture& architecture, Precision precision, nn::Workspace& workspace);

  /// Before the blocks of `batch` images.
  void begin(std::size_t batch);
  /// After each block but a shortened last one: keeps the class tokens that a head of several blocks reads.
  /// @param x  [n·N, D]
  void note_class_tokens(std::size_t block, std::span<const float> x);

  /// @param tokens  one image's, [N, D], or just the leading ones where the read-out needs no patches; overwritten
  [[nodiscard]] ForwardResult operator()(const ModelWeights& weights, std::size_t image, std::span<float> tokens,
                                         const ForwardRequest& request);

 private:
  [[nodiscard]] std::vector<float> pool(const ModelWeights& weights, std::size_t image, std::span<const float> tokens,
                                        const ForwardRequest& request);
  [[nodiscard]] std::vector<float> class_and_patch_mean(const ModelWeights& weights, std::size_t image,
                                                        std::span<const float> tokens) const;
  [[nodiscard]] std::vector<float> patch_mean(std::span<const float> tokens) const;
  [[nodiscard]] std::vector<float> attention_pool(const AttentionPoolWeights& weights, std::size_t image,
                                                  std::span<const float> tokens, const ForwardRequest& request);
  [[nodiscard]] Logits logits(const ModelWeights& weights, std::span<const float> pooled,
                              std::span<const float> tokens);

  Architecture a_;
  std::unique_ptr<nn::Linear> head_;  // none without classes
  std::unique_ptr<nn::Linear> head_dist_;
  std::unique_ptr<nn::Linear> projection_;
  std::unique_ptr<nn::Linear> pool_kv_;
  std::unique_ptr<nn::Linear> pool_proj_;
  std::unique_ptr<nn::Linear> pool_fc1_;
  std::unique_ptr<nn::Linear> pool_fc2_;
  AlignedBuffer<float> kv_;          // [n, 2D], what the attention pool sees
  std::vector<float> class_tokens_;  // [batch, read_out_blocks - 1, D], before the final norm
};

}  // namespace fovea
