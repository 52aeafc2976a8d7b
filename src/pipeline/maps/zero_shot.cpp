#include "pipeline/maps/zero_shot.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "fovea/architecture.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

double length_of(std::span<const float> row) {
  double squares = 0;
  for (const float value : row) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares);
}

bool is_as_wide_as_head(const TextEmbeddings& text, const ModelInfo& model) {
  const Architecture& a = model.architecture;
  if (text.width == a.feature_dim()) return false;
  if (text.width == a.num_classes) return true;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: the text embeddings are {} wide, expected {}, the width of {}'s image features",
                          text.source, text.width, a.feature_dim(), model.name),
              "text and image tower have to come from the same checkpoint");
}

}  // namespace

ZeroShotHead::ZeroShotHead(TextEmbeddings text, const ModelInfo& model)
    : text_(with_unit_rows(std::move(text))),
      reads_logits_(is_as_wide_as_head(text_, model)),
      scale_(model.logit_scale.value_or(kAssumedScale)),
      bias_(model.logit_bias) {
  if (std::isfinite(scale_) && std::isfinite(bias_.value_or(0.0F))) return;
  throw Error(ErrorCode::kCheckpoint, fmt::format("{}: logit_scale is {} and logit_bias {}, expected finite numbers",
                                                  model.name, scale_, bias_.value_or(0.0F)));
}

Logits ZeroShotHead::operator()(const ForwardResult& result) const {
  const std::vector<float>& image = reads_logits_ ? result.logits : result.features;
  const double length = length_of(image);
  Logits logits(text_.labels.size());
  for (std::size_t c = 0; c < logits.size(); ++c) {
    double dot = 0;
    const float* row = text_.rows.data() + c * text_.width;
    for (std::size_t i = 0; i < text_.width; ++i) dot += static_cast<double>(image[i]) * static_cast<double>(row[i]);
    const double cosine = length > 0 ? dot / length : 0;
    logits[c] = static_cast<float>(static_cast<double>(scale_) * cosine + static_cast<double>(bias_.value_or(0.0F)));
  }
  return logits;
}

double ZeroShotHead::bias_of(const ScoreSeed& seed) const {
  double sum = 0;
  for (const ScoreTerm& term : seed)
    sum += static_cast<double>(term.weight) * static_cast<double>(bias_.value_or(0.0F));
  return sum;
}

OutputScore ZeroShotHead::score(const ScoreSeed& seed, Gradients gradients) const {
  std::vector<double> direction(text_.width, 0.0);  // the score is direction · image / |image|, up to the bias
  for (const auto& [class_index, weight] : seed) {
    if (class_index >= text_.labels.size()) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("target: class {} is asked for, expected one of {}", class_index, text_.labels.size()));
    }
    const float* const row = text_.rows.data() + class_index * text_.width;
    for (std::size_t i = 0; i < text_.width; ++i) {
      direction[i] += static_cast<double>(scale_) * static_cast<double>(weight) * static_cast<double>(row[i]);
    }
  }
  const auto gradient = [direction, gradients](std::span<const float> image, std::span<float> d_image) {
    const double length = length_of(image);
    std::fill(d_image.begin(), d_image.end(), 0.0F);
    if (!(length > 0)) return;
    double along = 0;
    if (gradients == Gradients::kTrue) {
      for (std::size_t i = 0; i < image.size(); ++i) along += direction[i] * static_cast<double>(image[i]) / length;
    }
    for (std::size_t i = 0; i < image.size(); ++i) {
      const double unit = static_cast<double>(image[i]) / length;
      d_image[i] = static_cast<float>((direction[i] - along * unit) / length);
    }
  };
  return {reads_logits_ ? OutputScore::Reads::kLogits : OutputScore::Reads::kFeatures, gradient};
}

}  // namespace fovea
