// An encoder block's backward pass for one image; its forward twin is model/forward/encoder_block.hpp. No weight
// gradients are computed.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/aligned_buffer.hpp"
#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "model/backward/gamma_linear.hpp"
#include "model/backward/mode.hpp"
#include "model/forward/encoder_block.hpp"
#include "model/weights/weights.hpp"
#include "nn/attention/attention_backward.hpp"
#include "nn/attention/rotary.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// One block: what the forward pass left of it, and the weights of both directions.
struct BlockBackwardCall {
  const EncoderBlockWeights& weights;    // of the forward pass: norms
  const EncoderBlockWeights& backward;   // of the backward pass: linear layers
  const nn::LinearWeights* value;        // of v, with Gradients::kLibra
  const AbsoluteWeights::Mlp* absolute;  // with a gamma
  const SavedBlock& saved;
  std::size_t rows;  // N, or the leading tokens where d_x is zero elsewhere
  BackwardMode& mode;
};

/// The compiled operations of a block, shared by all blocks. The steps run in this order.
class EncoderBlockBackward {
 public:
  /// @param precision  of the forward pass
  EncoderBlockBackward(const Architecture& architecture, Precision precision, nn::Workspace& workspace);

  /// d_x ← d_x + the MLP's gradient: what it is after the block → after the attention. A parallel MLP's gradient is
  /// added by attention_residual().
  /// @param d_x  [rows, D], as everywhere: with respect to what runs along the residual connections
  void mlp_residual(const BlockBackwardCall& call, std::span<float> d_x);
  /// Through the projection, to the heads' outputs.
  /// @param d_x  [rows, D]
  void projection(const BlockBackwardCall& call, std::span<const float> d_x);
  /// ∂score/∂A; where A is constant, for observers only.
  /// @return  [H, N, N]
  [[nodiscard]] std::span<const float> attention_weights(const BlockBackwardCall& call);
  /// d_x ← d_x + the attention's gradient: what it is after the attention → before the block.
  /// @param rotary  of inverse rotations, or nullptr
  /// @param d_x     [N, D]
  /// @return        [N, D], the gradient with respect to the output of the first norm
  std::span<const float> attention_residual(const BlockBackwardCall& call, const nn::RotaryTable* rotary,
                                            std::span<float> d_x);

 private:
  /// The linear layers after the attention, for a number of rows.
  struct Rows {
    Rows(const Architecture& architecture, Precision precision, std::size_t num_rows, nn::Workspace& workspace);
    std::size_t count;
    std::unique_ptr<nn::Linear> fc2;   // [rows, D] → [rows, F]
    std::unique_ptr<nn::Linear> fc1;   // [rows, F or 2F] → [rows, D]
    std::unique_ptr<nn::Linear> proj;  // [rows, D] → [rows, D]
  };
  /// The MLP's linear layers by LRP-γ, for the same rows.
  struct GammaRows {
    GammaRows(const Architecture& architecture, Precision precision, std::size_t num_rows, nn::Workspace& workspace);
    GammaLinear fc2;
    GammaLinear fc1;
    AlignedBuffer<float> hidden;  // [rows, F], what fc2 read
    AlignedBuffer<float> normed;  // [rows, D], what fc1 read
  };
  void fc2_backward(const BlockBackwardCall& call, std::span<const float> d_mlp, std::span<float> d_hidden);
  void fc1_backward(const BlockBackwardCall& call, std::span<const float> d_wide, std::span<float> d_normed);
  [[nodiscard]] GammaRows& gamma_layers_for(std::size_t rows);
  [[nodiscard]] Rows& layers_for(std::size_t rows) { return rows == all_rows_.count ? all_rows_ : *leading_rows_; }
  void attention_inputs(const BlockBackwardCall& call, const nn::RotaryTable* rotary);
  void attention_values(const BlockBackwardCall& call);
  [[nodiscard]] std::span<const float> query_key_backward(const BlockBackwardCall& call);
  [[nodiscard]] std::span<const float> through_norm_after(const BlockBackwardCall& call, const NormWeights& norm,
                                                          std::span<const float> computed, std::span<const float> d_x);
  void normalize_mixed_backward(const BlockBackwardCall& call, std::span<float> d_mixed);

  Architecture a_;
  Precision precision_;
  nn::Workspace& workspace_;
  Rows all_rows_;
  std::unique_ptr<Rows> leading_rows_;         // where the read-out needs the first tokens only
  std::unique_ptr<GammaRows> gamma_all_rows_;  // compiled when a gamma is asked for
  std::unique_ptr<GammaRows> gamma_leading_rows_;
  std::unique_ptr<nn::Linear> qkv_;    // [N, 3D] → [N, D]
  std::unique_ptr<nn::Linear> value_;  // [N, D] → [N, D]
  nn::AttentionBackward attention_;

  AlignedBuffer<float> d_wide_;        // [N, F or 2F]
  AlignedBuffer<float> d_hidden_;      // [N, F]
  AlignedBuffer<float> d_normed_;      // [N, D]
  AlignedBuffer<float> d_mlp_normed_;  // [N, D], of a parallel MLP
  AlignedBuffer<float> d_computed_;    // [N, D], of a sub-layer with a norm after it
  AlignedBuffer<float> d_mixed_;       // [N, D]
  AlignedBuffer<float> d_heads_;       // [N, D], of models with norms of the heads' outputs
  AlignedBuffer<float> d_qkv_;         // [N, 3D]
  AlignedBuffer<float> d_raw_qkv_;     // [N, 3D], of models with norms of q and k
  AlignedBuffer<float> d_weights_;     // [H, N, N]
};

}  // namespace fovea
