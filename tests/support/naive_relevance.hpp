// Layer-wise relevance propagation through a Vision Transformer as scalar loops, written from the rules (Chefer, Gur,
// Wolf 2021): the slow twin of propagate_relevance().
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "support/tiny_model.hpp"

namespace fovea::test {

/// Changes one value of one block's attention, [H, N, N], before it is used.
struct AttentionNudge {
  std::size_t block;
  std::size_t index;
  double by;
};

/// The logits of a model with timm's names: class, distillation and register tokens, layer scale, norm_pre and fc_norm;
/// read-out from the class token, from two tokens or from the mean patch; GELU or quick GELU.
/// @param patches  [T, 3·P·P]
[[nodiscard]] std::vector<double> naive_logits(const Architecture& architecture, const TinyTensors& tensors,
                                               std::span<const float> patches,
                                               const std::optional<AttentionNudge>& nudge = {});

/// The relevance of one logit that each block's attention receives, if the logit has relevance 1: [H, N, N] for each
/// block.
[[nodiscard]] std::vector<std::vector<double>> naive_relevance(const Architecture& architecture,
                                                               const TinyTensors& tensors,
                                                               std::span<const float> patches, std::size_t class_index);

}  // namespace fovea::test
