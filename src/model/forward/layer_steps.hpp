// The forward pass as a list of its layers, each of which can be run, and timed, by itself: what `bench --roofline`
// measures.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"

namespace fovea {

/// In the order of the forward pass.
enum class LayerKind {
  kPatchEmbed,
  kNorm,  // those of the blocks
  kQkv,
  kQueryKey,   // norms and rotation of q and k
  kAttention,  // softmax(q kᵀ / √d) v
  kProj,
  kFc1,   // with the activation that its products are written through
  kGate,  // silu(gate) · value
  kFc2,
  kLastBlock,  // behind the last block's qkv, where only the class tokens are read: their attention and MLP
  kReadOut,    // final norm, pooling, heads
};
/// "fc1, gelu"
[[nodiscard]] std::string name(LayerKind kind, const Architecture& architecture);

/// One layer for all images of the batch, ready to run on what the layer before it left.
struct LayerStep {
  LayerKind kind;
  /// 2 for each multiply-add of matrix products; of what has none 1 for each operation on a value: 8 in a layer norm, 4
  /// in an RMSNorm, 3 in a rotation, 4 in a gate. Activations, softmax and pooling beside products are not counted.
  double flops;
  /// Compulsory traffic: what is read (input, weights in their packed type, the sum that is added to) once, what is
  /// written once. Activations are float32.
  double bytes;
  std::function<void()> run;
};

/// The same operations, shapes, weights and places in memory as a Session's for one batch, so the same logits to the
/// bit; nothing is observed.
class LayerSteps {
 public:
  /// @param patches  [n, T, 3·P·P], normalised; must outlive this
  LayerSteps(std::shared_ptr<const VisionTransformer> model, std::span<const float> patches);
  ~LayerSteps();
  LayerSteps(const LayerSteps&) = delete;
  LayerSteps& operator=(const LayerSteps&) = delete;

  /// To be run in this order, all of them, any number of times.
  [[nodiscard]] std::span<const LayerStep> steps() const noexcept;
  /// Of each image; valid once all steps were run.
  [[nodiscard]] std::span<const ForwardResult> results() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fovea
