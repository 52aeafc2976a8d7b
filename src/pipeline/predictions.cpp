#include "pipeline/predictions.hpp"

#include <fmt/core.h>

#include <cmath>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "fovea/error.hpp"

namespace fovea {

ClassSpace class_space(const ModelInfo& model) {
  if (model.regression) return {model.labels, ScoreFunction::kNone};
  return {model.labels, model.multi_label ? ScoreFunction::kSigmoid : ScoreFunction::kSoftmax};
}

void to_probabilities(std::span<float> logits, ScoreFunction function) {
  if (function == ScoreFunction::kSoftmax) softmax(logits);
  if (function != ScoreFunction::kSigmoid) return;
  for (float& logit : logits) logit = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit))));
}

std::vector<float> probabilities_of(Logits logits, const ClassSpace& classes) {
  if (classes.function == ScoreFunction::kNone) return {};
  to_probabilities(logits, classes.function);
  return logits;
}

std::vector<Prediction> predictions_of(const Logits& logits, std::span<const float> probabilities,
                                       const ClassSpace& classes, const PredictionOptions& options) {
  const std::vector<std::size_t> best = top_k(logits, options.top_k);
  std::vector<Prediction> predictions;
  predictions.reserve(best.size());
  const bool values = classes.function == ScoreFunction::kNone;
  for (const std::size_t c : best) {
    if (!values && static_cast<double>(probabilities[c]) < options.threshold) break;
    Prediction& prediction = predictions.emplace_back();
    prediction.class_index = c;
    if (values) {
      prediction.value = logits[c];
    } else {
      prediction.probability = probabilities[c];
    }
    if (c < classes.labels.size()) {
      prediction.label = classes.labels[c].label();
      prediction.synset = classes.labels[c].synset;
    }
  }
  return predictions;
}

void require_probabilities(const ModelInfo& model, const ClassSpace& classes, std::string_view given) {
  if (classes.function != ScoreFunction::kNone) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{} is about probabilities, but the outputs of {} are values: its problem_type is regression",
                          given, printable(model.path)),
              fmt::format("leave out {}", given));
}

void require_classes(const ModelInfo& model) {
  if (model.architecture.num_classes > 0) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: the model has no classification head, expected one", printable(model.path)),
              "`fovea embed` writes its features; with --text-embeddings a CLIP or SigLIP tower classifies by text");
}

}  // namespace fovea
