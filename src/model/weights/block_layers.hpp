// The four linear layers of an encoder block, whatever tensors a family keeps them in.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "fovea/architecture.hpp"
#include "model/weights/tensor_source.hpp"

namespace fovea {

enum class BlockLayer { kQkv, kProj, kFc1, kFc2 };
inline constexpr std::array kBlockLayers{BlockLayer::kQkv, BlockLayer::kProj, BlockLayer::kFc1, BlockLayer::kFc2};
[[nodiscard]] std::string_view name(BlockLayer layer) noexcept;  // timm's, "attn.qkv"

struct LayerSize {
  std::size_t out = 0;
  std::size_t in = 0;
};
[[nodiscard]] LayerSize size_of(BlockLayer layer, const Architecture& architecture) noexcept;

/// The first block is never in int8. Tokens are still small there, so the noise that rounding its layers adds is a
/// third of the noise of all blocks. A model in int8 with this block in bfloat16 is as exact as one with all fc2 in
/// bfloat16.
[[nodiscard]] constexpr bool keeps_out_of_int8(std::size_t block) noexcept {
  return block == 0;
}

/// The norm whose output a layer reads; none for proj and fc2, and none where norms stand after the sub-layers.
[[nodiscard]] std::optional<Role> norm_before(BlockLayer layer, const Architecture& architecture) noexcept;
/// The layer scale that multiplies a layer's outputs, where a model has one.
[[nodiscard]] std::optional<Role> layer_scale_of(BlockLayer layer) noexcept;

/// A tensor of a layer: so many of its rows (outputs), from the first on.
struct LayerPart {
  Role role;
  std::size_t first;
  std::size_t rows;
};
/// The weight's tensors, one below the other: one, or three of q, k, v, or the gate and what it multiplies.
[[nodiscard]] std::vector<LayerPart> weight_parts(BlockLayer layer, const Architecture& architecture,
                                                  const TensorSource& source);
/// The tensors of the layer's bias. BEiT and EVA-02 have one weight for q, k and v, and biases of q and v only.
[[nodiscard]] std::vector<LayerPart> bias_parts(BlockLayer layer, const Architecture& architecture,
                                                const TensorSource& source);

}  // namespace fovea
