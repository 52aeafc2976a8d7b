// One encoder block (Dosovitskiy et al. 2021, equations 2 and 3), and what published models change in it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/aligned_buffer.hpp"
#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "fovea/tensor.hpp"
#include "model/forward/forward_hook.hpp"
#include "model/weights/weights.hpp"
#include "nn/attention/attention.hpp"
#include "nn/attention/rotary.hpp"
#include "nn/kernels/norm_kernels.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// What the backward pass needs of one block of one image.
struct SavedBlock {
  AlignedBuffer<float> x_in;       // [N, D]
  AlignedBuffer<float> raw_qkv;    // [N, 3, H, d] before the norms of q and k; empty where there are none
  AlignedBuffer<float> qkv;        // [N, 3, H, d] as the attention read it
  AlignedBuffer<float> attention;  // [H, N, N]
  // A shortened last block has the leading rows only; what no gradient needs is empty:
  AlignedBuffer<float> heads;     // [N, D] the heads' outputs before their norm
  AlignedBuffer<float> attended;  // [N, D] of the projection before the norm after it
  AlignedBuffer<float> x_mid;     // [N, D] after the attention
  AlignedBuffer<float> wide;      // [N, F], of a gated MLP [N, 2F], before the activation
  AlignedBuffer<float> hidden;    // [N, F] of the MLP before its inner norm
  AlignedBuffer<float> mlp;       // [N, D] of fc2 before the norm after it
  explicit SavedBlock(const Architecture& architecture);
};

/// Where a block writes; one set serves all blocks, one after the other.
struct BlockActivations {
  std::span<float> normed;           // [n·N, D]; of norms after the sub-layers: what these have computed
  std::span<float> qkv;              // [n·N, 3D]
  std::span<float> mixed;            // [n·N, D], the heads' outputs side by side
  std::span<float> wide;             // [n·N, F], of a gated MLP [n·N, 2F]; may be where qkv and mixed were
  std::span<float> gated;            // [n·N, F], of a gated MLP; likewise
  std::span<float> weights;          // [H, N, N] or fused [N, N], attention of one image; empty if nobody observes it
  AttentionDetail detail;            // of weights
  std::span<const float> log_sizes;  // [n·N], added to each key's logits (proportional attention, ToMe); or empty
  SavedBlock* saved = nullptr;       // receives what the backward pass needs; qkv and weights are its own
};

/// One block of one forward pass.
struct BlockCall {
  std::size_t index = 0;
  const EncoderBlockWeights& weights;
  const nn::RotaryTable* rotary = nullptr;  // shared by all blocks, or nullptr
  /// For the last block where only leading_tokens() are read: nothing else is computed after the attention, which
  /// leaves out most of the block and changes no bit of what is read.
  bool leading_only = false;
  BlockActivations activations;
  ForwardHook& hook;

  /// Tells the hook; who calls this calls hook.after() with the result when the layer is done.
  /// @param leading  whether this layer has the leading tokens only
  [[nodiscard]] LayerCall begin(LayerKind kind, std::span<const float> in, std::span<float> out, bool leading,
                                std::size_t image = 0, bool ends_block = false) const {
    const LayerCall layer{kind, index, image, leading, in, out, {}, ends_block};
    hook.before(layer);
    return layer;
  }
};

/// The compiled operations of a block for `batch` images of so many tokens: all blocks have the same shapes and share
/// one object.
class EncoderBlock {
 public:
  EncoderBlock(const Architecture& architecture, Precision precision, std::size_t batch, std::size_t tokens,
               nn::Workspace& workspace);

  /// x ← x + proj(attention(norm1(x))); with norms after the sub-layers x ← x + norm1(proj(attention(x))).
  /// @param x  [n·N, D], updated in place
  /// @return   x; with leading_only its first rows, [n·leading_tokens(), D], which these tokens moved to
  [[nodiscard]] std::span<float> attention_residual(const BlockCall& call, std::span<float> x);
  /// x ← x + fc2(act(fc1(norm2(x)))); with norms after the sub-layers x ← x + norm2(fc2(act(fc1(x)))). A parallel MLP
  /// reads norm1 of the block's input instead.
  /// @param x  what attention_residual() returned
  void mlp_residual(const BlockCall& call, std::span<float> x);

  /// How many tokens of each image the read-out needs, where it needs no patches; else 0.
  [[nodiscard]] static std::size_t leading_tokens(const Architecture& architecture) noexcept;

 private:
  /// The linear layers after the attention, compiled for a number of rows.
  struct Rows {
    Rows(const Architecture& architecture, Precision precision, std::size_t num_rows, nn::Workspace& workspace);
    std::size_t count;
    std::unique_ptr<nn::Linear> proj;
    std::unique_ptr<nn::Linear> fc1;
    std::unique_ptr<nn::Linear> fc2;
  };
  [[nodiscard]] Rows& rows_of(const BlockCall& call) { return call.leading_only ? *leading_rows_ : all_rows_; }
  void attend(const BlockCall& call, std::size_t image);
  void normalize_heads(const nn::NormShape& shape, const NormWeights& norm, std::span<float> first_head,
                       std::size_t stride) const;
  void normalize_mixed(const BlockCall& call, std::span<float> heads);
  void add_normed(const BlockCall& call, const NormWeights& norm, std::span<float> x, bool ends_block) const;
  [[nodiscard]] std::span<float> gather_leading(std::span<float> rows) const;

  Architecture a_;
  std::size_t batch_;
  std::size_t tokens_;  // N
  std::unique_ptr<nn::Linear> qkv_;
  nn::Attention attention_;
  Rows all_rows_;
  std::unique_ptr<Rows> leading_rows_;  // none where the read-out needs patches
};

}  // namespace fovea
