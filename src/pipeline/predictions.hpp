// From scores to the classes that a report names.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/prediction.hpp"
#include "fovea/session.hpp"

namespace fovea {

/// The classes that logits are scores for.
struct ClassSpace {
  std::span<const ClassLabel> labels;  // one for each class
  bool multi_label = false;            // each class has its own probability: sigmoid in place of softmax
};
/// Of a model's own head.
[[nodiscard]] ClassSpace class_space(const ModelInfo& model);

struct PredictionOptions {
  std::size_t top_k = 5;
  double threshold = 0;  // classes below this probability are left out
};

/// Logits to probabilities, in place: softmax over the classes, or a sigmoid of each.
void to_probabilities(std::span<float> logits, bool multi_label);

/// The best classes, best first; none where none reaches the threshold.
/// @param logits  [C]
[[nodiscard]] std::vector<Prediction> predictions_of(const Logits& logits, const ClassSpace& classes,
                                                     const PredictionOptions& options);

/// @throws Error  kUsage for a model without a head: it has features, but no classes.
void require_classes(const ModelInfo& model);

}  // namespace fovea
