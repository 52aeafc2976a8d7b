// What a forward pass tells about its layers while they run.
#pragma once

#include <cstddef>
#include <span>

namespace fovea {

/// In the order of the forward pass.
enum class LayerKind {
  kPatchEmbed,
  kNorm,  // of a block; added to the tokens where norms stand after the sub-layers
  kQkv,
  kQueryKey,        // norms and rotation of q and k
  kAttention,       // softmax(q kᵀ / √d) v
  kProj,            // added to the tokens, where no norm stands after it
  kTokenReduction,  // tokens are left out or merged
  kFc1,             // with the activation, where there is no gate
  kGate,            // silu(gate) · value
  kFc2,             // added to the tokens, where no norm stands after it
  kLastBlock,  // stands for all after the last block's qkv, where only the class tokens are computed: see cost_kind()
  kReadOut,    // final norm, pool, heads
};

/// A layer at work. Views are valid only during the call.
struct LayerCall {
  LayerKind kind;
  std::size_t block = 0;      // of layers of a block
  std::size_t image = 0;      // of what runs image by image: patch embedding, q and k, attention, read-out
  bool leading_only = false;  // the layer has the leading tokens of each image only
  std::span<const float> in;  // what it reads, always as float32; whole before() and after()
  std::span<float> out;       // what it writes or adds to; whole after()
  std::span<const float> attention =
      {};                   // kAttention: [H, N, N] or fused [N, N], kReadOut: the pool's [H, n], where asked for
  bool ends_block = false;  // `out` are the tokens that leave the block
};

/// Is told about each layer. Does nothing by itself: this class is what a pass without a hook runs with.
class ForwardHook {
 public:
  ForwardHook() = default;
  ForwardHook(const ForwardHook&) = delete;
  ForwardHook& operator=(const ForwardHook&) = delete;
  virtual ~ForwardHook() = default;
  virtual void before(const LayerCall& /*layer*/) {}
  /// May change `out`: the pass goes on with what it finds there.
  virtual void after(const LayerCall& /*layer*/) {}
};

}  // namespace fovea
