// BEiT's relative positions for another size than the file's.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"

namespace fovea {

/// The rows of BEiT's table: one for each offset between two patches, and three for the class token.
[[nodiscard]] std::size_t relative_positions(PatchGrid grid) noexcept;

/// The table for another grid. timm: linear between positions in geometric progression, when it loads a file
/// (timm/layers/pos_embed_rel.py, resize_rel_pos_bias_table); any other rule: transformers' bilinear one, in its
/// forward pass (modeling_beit.py, BeitRelativePositionBias). The class token's three rows stay.
/// @param table  [relative_positions(from), H]
/// @return       [relative_positions(to), H]
[[nodiscard]] std::vector<float> resample_relative_positions(std::span<const float> table, PatchGrid from, PatchGrid to,
                                                             std::size_t num_heads, PosEmbedResampling rule);

/// The bias of each pair of the model's tokens.
/// @param table  of the file, for the grid of its position embeddings
/// @return       [H, N, N]
[[nodiscard]] std::vector<float> relative_attention_bias(const Architecture& architecture,
                                                         std::span<const float> table);

}  // namespace fovea
