// From scores to the classes that a report names.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/prediction.hpp"
#include "fovea/session.hpp"

namespace fovea {

/// The classes that the logits belong to.
struct ClassSpace {
  std::span<const ClassLabel> labels;  // one for each class
  bool multi_label = false;            // each class has a probability of its own: sigmoid instead of softmax
};
/// The classes of a model's own head.
[[nodiscard]] ClassSpace class_space(const ModelInfo& model);

struct PredictionOptions {
  std::size_t top_k = 5;
  double threshold = 0;  // classes below this probability are left out
};

/// Logits to probabilities, in place: softmax over the classes, or a sigmoid of each.
void to_probabilities(std::span<float> logits, bool multi_label);
/// @return  [C]
[[nodiscard]] std::vector<float> probabilities_of(Logits logits, const ClassSpace& classes);

/// The best classes, best first; none where none reaches the threshold.
/// @param logits         [C], which rank the classes: probabilities may be equal where logits are not
/// @param probabilities  [C], of these logits
[[nodiscard]] std::vector<Prediction> predictions_of(const Logits& logits, std::span<const float> probabilities,
                                                     const ClassSpace& classes, const PredictionOptions& options);

/// @throws Error  kUsage for a model without a head, which has features but no classes.
void require_classes(const ModelInfo& model);

}  // namespace fovea
