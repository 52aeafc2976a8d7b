// What the layers of a forward pass cost, in arithmetic and in memory traffic: for `bench`, its roofline and `inspect`.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "fovea/precision.hpp"
#include "model/forward/forward_hook.hpp"
#include "model/weights/block_layers.hpp"

namespace fovea {

/// One layer for all images of the batch.
struct LayerCost {
  LayerKind kind = LayerKind::kPatchEmbed;
  std::size_t block = 0;
  double products = 0;  // 2 for each multiply-add of matrix products
  /// Operations on values of what has no products: 8 for each in a layer norm, 4 in an RMSNorm, 3 in a rotation, 4 in a
  /// gate. Activations, softmax and pooling beside products are not counted.
  double others = 0;
  /// Compulsory traffic: what is read (input, weights in their packed type, the sum that is added to) once, what is
  /// written once. Activations are float32.
  double bytes = 0;
  [[nodiscard]] double flops() const noexcept { return products + others; }
};

/// What the costs depend on beside the architecture.
struct CostSetting {
  std::size_t batch = 1;
  Precision precision = Precision::kF32;
  bool all_tokens = true;  // whether the last block computes all tokens, not only those that are read out
  /// In what the weights of a block's layer are packed: a model in int8 has layers in others; none: `precision`.
  std::function<Precision(std::size_t block, BlockLayer layer)> packed_in;
};

/// In the order of the forward pass. Where the last block computes the leading tokens only, the layers after its qkv
/// are of kind kLastBlock.
[[nodiscard]] std::vector<LayerCost> layer_cost(const Architecture& architecture, const CostSetting& setting);
/// What a session does for `batch` images of this model.
[[nodiscard]] std::vector<LayerCost> layer_cost(const VisionTransformer& model, std::size_t batch);

/// The matrix products of one image with all its tokens in every block, in 1e9 operations: how models are compared.
/// Softmax, norms and activations are not counted, as is usual.
[[nodiscard]] double gflop_per_image(const Architecture& architecture);

/// The kind that a layer's cost is counted as.
[[nodiscard]] LayerKind cost_kind(LayerKind kind, bool leading_only) noexcept;
/// "fc1, gelu"
[[nodiscard]] std::string name(LayerKind kind, const Architecture& architecture);

}  // namespace fovea
