// One pre-norm encoder block (Dosovitskiy et al. 2021, equations 2 and 3).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "fovea/model.hpp"
#include "model/weights.hpp"
#include "nn/attention.hpp"
#include "nn/layer_norm.hpp"
#include "nn/linear.hpp"

namespace fovea {

/// What blocks write on their way; one set serves all blocks, one after the other.
struct BlockActivations {
  std::size_t rows;          // n·N
  std::span<float> normed;   // [n·N, D]
  std::span<float> qkv;      // [n·N, 3D]
  std::span<float> mixed;    // [n·N, D], the heads' outputs side by side
  std::span<float> hidden;   // [n·N, F]; may be the same memory as qkv and mixed, which are dead by then
  std::span<float> weights;  // [H, N, N], attention of one image; empty if nobody observes it
};

/// Called for each image while `BlockActivations::weights` holds its attention; may be empty.
using AttentionReady = std::function<void(std::size_t image)>;

/// The compiled operations of a block for `batch` images: all blocks have the same shapes, so all share them.
class EncoderBlock {
 public:
  EncoderBlock(const Architecture& architecture, Precision precision, std::size_t batch, nn::Workspace& workspace);

  /// x ← x + proj(attention(norm1(x))), then x ← x + fc2(gelu(fc1(norm2(x)))).
  /// @param x  [n·N, D], updated in place
  void operator()(const EncoderBlockWeights& weights, std::span<float> x, const BlockActivations& scratch,
                  const AttentionReady& attention_ready);

  /// The last block, of which only the class tokens are read: after the attention nothing else is computed, which
  /// leaves out most of the block and changes no bit of what is read.
  /// @param x  [n·N, D]; its first n rows become the class tokens [n, D], the rest is undefined
  void class_tokens_only(const EncoderBlockWeights& weights, std::span<float> x, const BlockActivations& scratch,
                         const AttentionReady& attention_ready);

 private:
  /// proj, norm2, fc1 and fc2, compiled for a number of rows.
  struct AfterAttention {
    AfterAttention(const Architecture& architecture, Precision precision, std::size_t rows, nn::Workspace& workspace);
    void operator()(const EncoderBlockWeights& weights, std::span<float> x, const BlockActivations& scratch);
    std::size_t rows;
    std::unique_ptr<nn::Linear> proj;
    nn::LayerNorm norm2;
    std::unique_ptr<nn::Linear> fc1;
    std::unique_ptr<nn::Linear> fc2;
  };
  void attend(const EncoderBlockWeights& weights, std::span<const float> x, const BlockActivations& scratch,
              std::size_t queries, const AttentionReady& attention_ready);

  std::size_t batch_;
  std::size_t tokens_;     // N
  std::size_t embed_dim_;  // D
  nn::LayerNorm norm1_;
  std::unique_ptr<nn::Linear> qkv_;
  nn::Attention attention_;
  AfterAttention all_tokens_;
  AfterAttention class_tokens_;
};

}  // namespace fovea
