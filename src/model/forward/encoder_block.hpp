// One pre-norm encoder block (Dosovitskiy et al. 2021, equations 2 and 3).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "base/aligned_buffer.hpp"
#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "model/weights/weights.hpp"
#include "nn/attention/attention.hpp"
#include "nn/attention/rotary.hpp"
#include "nn/kernels/norm_kernels.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// What the way back needs of one block of one image.
struct SavedBlock {
  AlignedBuffer<float> x_in;       // [N, D]
  AlignedBuffer<float> raw_qkv;    // [N, 3, H, d] before the norms of q and k; empty where there are none
  AlignedBuffer<float> qkv;        // [N, 3, H, d] as the attention read it
  AlignedBuffer<float> attention;  // [H, N, N]
  AlignedBuffer<float> x_mid;      // [N, D] behind the attention; of a shortened last block the leading rows only
  AlignedBuffer<float> wide;       // [N, 2F] of a gated MLP, before the gate; likewise
  AlignedBuffer<float> slope;      // [N, F] of the activation of one without; likewise
  explicit SavedBlock(const Architecture& architecture);
};

/// What blocks write on their way; one set serves all blocks, one after the other.
struct BlockActivations {
  std::size_t rows;                  // n·N
  std::span<float> normed;           // [n·N, D]
  std::span<float> qkv;              // [n·N, 3D]
  std::span<float> mixed;            // [n·N, D], the heads' outputs side by side
  std::span<float> hidden;           // [n·N, F], of a gated MLP [n·N, 2F]
  std::span<float> gated;            // [n·N, F], of a gated MLP; hidden and gated may be where qkv and mixed were
  std::span<float> weights;          // [H, N, N] or fused [N, N], attention of one image; empty if nobody observes it
  AttentionDetail detail;            // of weights
  std::span<const float> log_sizes;  // [n·N], added to each key's logits (proportional attention, ToMe); or empty
  SavedBlock* saved = nullptr;       // receives what the way back of one image needs; qkv and weights are its
};

/// Called for each image while `BlockActivations::weights` holds its attention; may be empty.
using AttentionReady = std::function<void(std::size_t image)>;

/// The compiled operations of a block for `batch` images of so many tokens: all blocks have the same shapes, so all
/// share them.
class EncoderBlock {
 public:
  EncoderBlock(const Architecture& architecture, Precision precision, std::size_t batch, std::size_t tokens,
               nn::Workspace& workspace);

  /// x ← x + proj(attention(norm1(x))).
  /// @param rotary  of all blocks, or nullptr
  /// @param x       [n·N, D], updated in place
  void attention_residual(const EncoderBlockWeights& weights, const nn::RotaryTable* rotary, std::span<float> x,
                          const BlockActivations& scratch, const AttentionReady& attention_ready);
  /// x ← x + fc2(act(fc1(norm2(x)))).
  void mlp_residual(const EncoderBlockWeights& weights, std::span<float> x, const BlockActivations& scratch);

  /// Both for the last block, of which only the first tokens (class, distillation) are read: after the attention
  /// nothing else is computed, which leaves out most of the block and changes no bit of what is read.
  /// @param x  [n·N, D]; its first rows become these tokens, [n·leading_tokens(), D], the rest is undefined
  void leading_tokens_only(const EncoderBlockWeights& weights, const nn::RotaryTable* rotary, std::span<float> x,
                           const BlockActivations& scratch, const AttentionReady& attention_ready);
  /// How many tokens of each image the read-out needs, where it needs no patches; else 0.
  [[nodiscard]] static std::size_t leading_tokens(const Architecture& architecture) noexcept;

 private:
  /// proj, norm2, fc1 and fc2, compiled for a number of rows.
  struct AfterAttention {
    AfterAttention(const Architecture& architecture, Precision precision, std::size_t rows, nn::Workspace& workspace);
    void project(const EncoderBlockWeights& weights, std::span<float> x, const BlockActivations& scratch) const;
    void mlp_residual(const EncoderBlockWeights& weights, std::span<float> x, const BlockActivations& scratch) const;
    std::size_t rows;
    nn::NormShape norm2;
    nn::NormShape mlp_norm;
    std::unique_ptr<nn::Linear> proj;
    std::unique_ptr<nn::Linear> fc1;
    std::unique_ptr<nn::Linear> fc2;
    Activation activation;  // of an MLP without a gate
  };
  void attend(const EncoderBlockWeights& weights, const nn::RotaryTable* rotary, std::span<const float> x,
              const BlockActivations& scratch, std::size_t queries, const AttentionReady& attention_ready);
  void normalize_heads(const NormWeights& norm, std::span<float> first_head) const;

  std::size_t batch_;
  std::size_t tokens_;     // N
  std::size_t embed_dim_;  // D
  std::size_t num_heads_;  // H
  std::size_t prefix_;     // P
  std::size_t leading_;
  nn::NormShape norm1_;
  nn::NormShape head_norm_;
  std::unique_ptr<nn::Linear> qkv_;
  nn::Attention attention_;
  AfterAttention all_tokens_;
  std::unique_ptr<AfterAttention> leading_tokens_;  // none where the read-out needs patches
};

}  // namespace fovea
