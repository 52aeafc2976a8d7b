#include "pipeline/predictions.hpp"

#include <fmt/core.h>

#include <cmath>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "fovea/error.hpp"

namespace fovea {

ClassSpace class_space(const ModelInfo& model) {
  return {model.labels, model.multi_label};
}

void to_probabilities(std::span<float> logits, bool multi_label) {
  if (!multi_label) {
    softmax(logits);
    return;
  }
  for (float& logit : logits) logit = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit))));
}

std::vector<float> probabilities_of(Logits logits, const ClassSpace& classes) {
  to_probabilities(logits, classes.multi_label);
  return logits;
}

std::vector<Prediction> predictions_of(const Logits& logits, std::span<const float> probabilities,
                                       const ClassSpace& classes, const PredictionOptions& options) {
  const std::vector<std::size_t> best = top_k(logits, options.top_k);
  std::vector<Prediction> predictions;
  predictions.reserve(best.size());
  for (const std::size_t c : best) {
    if (static_cast<double>(probabilities[c]) < options.threshold) break;
    Prediction& prediction = predictions.emplace_back();
    prediction.class_index = c;
    prediction.probability = probabilities[c];
    if (c < classes.labels.size()) {
      prediction.label = classes.labels[c].label();
      prediction.synset = classes.labels[c].synset;
    }
  }
  return predictions;
}

void require_classes(const ModelInfo& model) {
  if (model.architecture.num_classes > 0) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: the model has no classification head, expected one", printable(model.path)),
              "`fovea embed` writes its features; with --text-embeddings a CLIP or SigLIP tower classifies by text");
}

}  // namespace fovea
