// Classes described by text: zero-shot classification with an image tower of CLIP or SigLIP.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "model/config/text_embeddings.hpp"
#include "pipeline/maps/other_head.hpp"
#include "pipeline/predictions.hpp"

namespace fovea {

/// In place of a head: logits = scale · cos(image, text) + bias (Radford et al. 2021, figure 3; Zhai et al. 2023,
/// Sigmoid Loss for Language Image Pre-Training, algorithm 1).
class ZeroShotHead final : public OtherHead {
 public:
  /// Scale and bias are the model's. Without a bias the probabilities are a softmax, with one a sigmoid of each class.
  /// @throws Error  kUsage if the embeddings are not as wide as the model's features, or a row has no direction.
  ZeroShotHead(TextEmbeddings text, const ModelInfo& model);

  [[nodiscard]] Logits operator()(const ForwardResult& result) const override;
  /// For Gradients::kLibra the image's length is constant.
  [[nodiscard]] OutputScore score(const ScoreSeed& seed, Gradients gradients) const override;
  [[nodiscard]] double bias_of(const ScoreSeed& seed) const override;
  [[nodiscard]] ClassSpace classes() const noexcept override {
    return {text_.labels, bias_ ? ScoreFunction::kSigmoid : ScoreFunction::kSoftmax};
  }

  /// exp(logit_scale) at the end of CLIP's training, which caps it there; assumed where a checkpoint has none.
  static constexpr float kAssumedScale = 100.0F;

 private:
  TextEmbeddings text_;  // rows of length 1
  bool reads_logits_;    // timm keeps CLIP's projection as the head
  float scale_;
  std::optional<float> bias_;
};

}  // namespace fovea
