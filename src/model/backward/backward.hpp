// The way back from a score to the attention matrices, written by hand. No weight gradients are computed.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "model/backward/read_out_backward.hpp"
#include "model/forward/encoder_block.hpp"
#include "model/weights/weights.hpp"
#include "nn/attention/attention_backward.hpp"

namespace fovea {

/// One image's forward pass, as far as the way back needs it.
struct SavedForward {
  std::vector<SavedBlock> blocks;
  std::vector<float> x_out;  // [N, D] behind the last block, before the final norm; or the leading tokens only
};

/// The gradient of the score that is read from tokens behind a block: [N, D], or the leading ones.
using ScoreGradient = std::function<OutputGradient(std::span<const float> x)>;

/// For one image at a time; compiled once for a model.
class BackwardPass {
 public:
  /// @param precision  of the way forth
  BackwardPass(const Architecture& architecture, Precision precision, nn::Workspace& workspace);

  /// @param weights   of the way forth: norms and rotations
  /// @param backward  of the way back: linear layers
  void operator()(const ModelWeights& weights, const ModelWeights& backward, const SavedForward& saved,
                  const ScoreGradient& score, const GradientRequest& request);

 private:
  /// The linear layers of a block behind its attention, for a number of rows.
  struct Rows {
    Rows(const Architecture& architecture, Precision precision, std::size_t rows, nn::Workspace& workspace);
    std::size_t rows;
    std::unique_ptr<nn::Linear> fc2;   // [rows, D] → [rows, F]
    std::unique_ptr<nn::Linear> fc1;   // [rows, F or 2F] → [rows, D]
    std::unique_ptr<nn::Linear> proj;  // [rows, D] → [rows, D]
  };

  [[nodiscard]] Rows& layers_for(std::size_t rows) { return rows == all_rows_.rows ? all_rows_ : *leading_rows_; }
  void through_mlp(const EncoderBlockWeights& weights, const EncoderBlockWeights& backward, const SavedBlock& saved,
                   Rows& layers);
  void through_projection(const EncoderBlockWeights& backward, Rows& layers);
  void through_attention(const EncoderBlockWeights& weights, const EncoderBlockWeights& backward,
                         const SavedBlock& saved, const nn::RotaryTable* rotary, std::size_t rows);
  void score_of_the_last_block(const ModelWeights& weights, const ModelWeights& backward, const SavedForward& saved,
                               const ScoreGradient& score, const GradientRequest& request);
  void scores_of_all_blocks(const ModelWeights& weights, const ModelWeights& backward, const SavedForward& saved,
                            const ScoreGradient& score, const GradientRequest& request);
  [[nodiscard]] AttentionView attention_of(const SavedForward& saved, std::size_t block) const;

  Architecture a_;
  nn::NormShape norm_;       // of all tokens
  nn::NormShape head_norm_;  // of one head's queries or keys
  ReadOutBackward read_out_;
  Rows all_rows_;
  std::unique_ptr<Rows> leading_rows_;  // where the read-out needs the first tokens only
  std::unique_ptr<nn::Linear> qkv_;     // [N, 3D] → [N, D]
  nn::AttentionBackward attention_;
  nn::RotaryTable inverse_rotary_;

  AlignedBuffer<float> d_x_;        // [N, D], with respect to what runs along the residual connections
  AlignedBuffer<float> d_wide_;     // [N, F or 2F]
  AlignedBuffer<float> d_hidden_;   // [N, F]
  AlignedBuffer<float> gated_;      // [N, F], of a gated MLP with a norm
  AlignedBuffer<float> d_normed_;   // [N, D]
  AlignedBuffer<float> d_mixed_;    // [N, D]
  AlignedBuffer<float> d_qkv_;      // [N, 3D]
  AlignedBuffer<float> d_raw_qkv_;  // [N, 3D], of models with norms of q and k
  AlignedBuffer<float> gradient_;   // [H, N, N]
};

}  // namespace fovea
