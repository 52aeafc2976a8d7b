// Whether a quick pass is enough for the answer that is asked for.
#pragma once

#include <cstddef>
#include <span>

#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "pipeline/maps/targets.hpp"
#include "pipeline/predictions.hpp"

namespace fovea {

/// What has to be the same in the exact pass.
struct AskedAnswer {
  std::size_t ranks = 1;  // of the best classes: which they are, and their order
  double threshold = 0;   // which classes are at least so probable; 0: is not asked
};
/// @param targets  of the maps: a class that is named by its rank has to be the right one
[[nodiscard]] AskedAnswer asked_answer(const PredictionOptions& predictions, std::span<const TargetRule> targets);

/// Whether no change of a logit's distance to another one, up to cascade.margin(), makes another answer.
/// @param logits  [C], of the quick pass
[[nodiscard]] bool is_sure(const Logits& logits, ScoreFunction function, const AskedAnswer& asked,
                           const CascadeInfo& cascade);

/// Before any work.
/// @throws Error  kUsage for a model whose outputs are values.
void require_cascade_of_classes(const ModelInfo& model);

}  // namespace fovea
