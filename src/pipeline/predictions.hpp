// From scores to the classes that a report names.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/prediction.hpp"
#include "fovea/session.hpp"

namespace fovea {

/// What makes probabilities of logits.
enum class ScoreFunction {
  kSoftmax,
  kSigmoid,  // each class has a probability of its own
  kNone,     // the outputs are values, as of a regression
};

/// The classes that the logits belong to.
struct ClassSpace {
  std::span<const ClassLabel> labels;  // one for each class
  ScoreFunction function = ScoreFunction::kSoftmax;
};
/// The classes of a model's own head.
[[nodiscard]] ClassSpace class_space(const ModelInfo& model);

struct PredictionOptions {
  std::size_t top_k = 5;
  double threshold = 0;  // classes below this probability are left out
};

/// Logits to probabilities, in place; values stay as they are.
void to_probabilities(std::span<float> logits, ScoreFunction function);
/// @return  [C]; empty where the outputs are values
[[nodiscard]] std::vector<float> probabilities_of(Logits logits, const ClassSpace& classes);

/// The best classes, best first; none where none reaches the threshold. Values know no threshold.
/// @param logits         [C], which rank the classes: probabilities may be equal where logits are not
/// @param probabilities  [C], of these logits
[[nodiscard]] std::vector<Prediction> predictions_of(const Logits& logits, std::span<const float> probabilities,
                                                     const ClassSpace& classes, const PredictionOptions& options);

/// @param given   the option that is about probabilities, "--threshold"
/// @throws Error  kUsage for a model whose outputs are values.
void require_probabilities(const ModelInfo& model, const ClassSpace& classes, std::string_view given);

/// @throws Error  kUsage for a model without a head, which has features but no classes.
void require_classes(const ModelInfo& model);

}  // namespace fovea
