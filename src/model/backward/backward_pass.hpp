// The backward pass, from a score to the attention matrices, written by hand: the layers of
// model/forward/forward_pass.hpp in reverse. No weight gradients are computed.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "model/backward/encoder_block.hpp"
#include "model/backward/read_out.hpp"
#include "model/forward/forward_pass.hpp"
#include "model/forward/vision_transformer.hpp"
#include "model/weights/weights.hpp"
#include "nn/attention/rotary.hpp"

namespace fovea {

/// The gradient of the score that is read from tokens after a block: [N, D], or the leading ones.
using ScoreGradient = std::function<OutputGradient(std::span<const float> x)>;

/// For one image at a time; compiled once for a model, of which more weights are read when a mode needs them.
class BackwardPass {
 public:
  /// @param model  must outlive this; its weights for the backward pass are packed now, unless they are already
  BackwardPass(const VisionTransformer& model, nn::Workspace& workspace);

  void operator()(const SavedForward& saved, const ScoreGradient& score, const GradientRequest& request);

 private:
  [[nodiscard]] BackwardMode mode_of(const GradientRequest& request);
  void score_of_the_last_block(const SavedForward& saved, const ScoreGradient& score, const GradientRequest& request);
  void scores_of_all_blocks(const SavedForward& saved, const ScoreGradient& score, const GradientRequest& request);
  [[nodiscard]] double earlier_class_tokens(const SavedForward& saved, std::size_t block) const;
  /// From the input of the first block to the pixels.
  /// @param d_x  [N, D]
  void show_pixels(const SavedForward& saved, BackwardMode& mode, std::span<const float> d_x,
                   const PixelGradientObserver& observe);
  void show_features(const BlockBackwardCall& call, std::span<const float> d_normed,
                     const FeatureGradientObserver& observe) const;
  [[nodiscard]] BlockBackwardCall call_of(const SavedForward& saved, std::size_t block, std::size_t rows,
                                          BackwardMode& mode) const;
  [[nodiscard]] AttentionView attention_of(const SavedForward& saved, std::size_t block) const;

  const SharedWeights& model_;
  const Architecture& a_;
  const ModelWeights& weights_;
  const ModelWeights& backward_;
  nn::Workspace& workspace_;
  std::size_t read_rows_;  // the leading tokens where the read-out needs no patches, else N
  ReadOutBackward read_out_;
  EncoderBlockBackward block_;
  std::unique_ptr<nn::Linear> pixels_;  // [T, D] → [T, 3·P·P]; compiled when gradients of pixels are asked for
  std::vector<nn::RotaryTable> inverse_rotary_;  // as the model's
  AlignedBuffer<float> d_x_;                     // [N, D], with respect to what runs along the residual connections
};

}  // namespace fovea
