// Layer-wise relevance propagation through a Vision Transformer as scalar loops, written from the rules (Chefer, Gur,
// Wolf 2021): the slow twin of propagate_relevance().
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "support/tiny_model.hpp"

namespace fovea::test {

/// One value of one block's attention, [H, N, N], is changed before it is used.
struct AttentionNudge {
  std::size_t block;
  std::size_t index;
  double by;
};

/// The logits of a model with timm's names: class, distillation and register tokens, layer scale, norm_pre, fc_norm;
/// read out at the class token, at two tokens, or as the mean patch; GELU or quick GELU.
/// @param patches  [T, 3·P·P]
[[nodiscard]] std::vector<double> naive_logits(const Architecture& architecture, const TinyTensors& tensors,
                                               std::span<const float> patches,
                                               const std::optional<AttentionNudge>& nudge = {});

/// What the attention of each block receives of the relevance of one logit, 1: for each block [H, N, N].
[[nodiscard]] std::vector<std::vector<double>> naive_relevance(const Architecture& architecture,
                                                               const TinyTensors& tensors,
                                                               std::span<const float> patches, std::size_t class_index);

}  // namespace fovea::test
