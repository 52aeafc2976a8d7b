// From the tokens after the last block to features and logits: final norm, pool, heads.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "model/forward/attention_pool.hpp"
#include "model/forward/forward_hook.hpp"
#include "model/weights/weights.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// The mean of the patch tokens, summed in double.
/// @param tokens  [N, D]
/// @return        [D]
[[nodiscard]] std::vector<float> patch_mean(const Architecture& architecture, std::span<const float> tokens);

/// Compiled for one image at a time, so that no kernel ever depends on the batch.
class ReadOutForward {
 public:
  ReadOutForward(const Architecture& architecture, Precision precision, nn::Workspace& workspace);

  /// Before the blocks of `batch` images.
  void begin(std::size_t batch);
  /// After each block: keeps the class tokens that a head of several blocks reads.
  /// @param x  [n·N, D]; of the last block any
  void note_class_tokens(std::size_t block, std::span<const float> x);

  /// @param tokens  one image's, [N, D], or just the leading ones where the read-out needs no patches; overwritten
  [[nodiscard]] ForwardResult operator()(const ModelWeights& weights, std::size_t image, std::span<float> tokens,
                                         bool keep_tokens, ForwardHook& hook);

 private:
  [[nodiscard]] std::vector<float> class_and_patch_mean(const ModelWeights& weights, std::size_t image,
                                                        std::span<const float> tokens) const;
  /// The mean of the two heads' logits (DeiT, distilled).
  /// @param logits  [C], of the first head; updated in place
  void average_with_distillation_head(const ModelWeights& weights, std::span<const float> tokens,
                                      std::span<float> logits);

  Architecture a_;
  std::optional<AttentionPool> pool_;
  std::unique_ptr<nn::Linear> head_;  // none without classes
  std::unique_ptr<nn::Linear> head_dist_;
  std::unique_ptr<nn::Linear> projection_;
  std::vector<float> class_tokens_;  // [batch, read_out_blocks - 1, D], before the final norm
};

}  // namespace fovea
