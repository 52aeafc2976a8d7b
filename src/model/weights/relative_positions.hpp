// A bias of the attention logits for each pair of tokens, by how far apart their patches are.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "model/weights/tensor_source.hpp"

namespace fovea {

/// One value for each head and offset as a bias for each pair of tokens (Bao et al. 2022; timm
/// gen_relative_position_index). A class token has three entries of its own at the end.
/// @param prefix  1, a class token, or 0
/// @param table   [(2 rows - 1)(2 cols - 1) + 3 prefix, H]
/// @return        [H, N, N]
[[nodiscard]] std::vector<float> expand_relative_positions(PatchGrid grid, std::size_t num_heads, std::size_t prefix,
                                                           std::span<const float> table);

/// The rows of BEiT's table: one for each offset between two patches, and three for the class token.
[[nodiscard]] std::size_t relative_positions(PatchGrid grid) noexcept;

/// The table for another grid. timm: linear between positions in geometric progression, when it loads a file
/// (timm/layers/pos_embed_rel.py, resize_rel_pos_bias_table); any other rule: transformers' bilinear one, in its
/// forward pass (modeling_beit.py, BeitRelativePositionBias). The class token's three rows stay.
/// @param table  [relative_positions(from), H]
/// @return       [relative_positions(to), H]
[[nodiscard]] std::vector<float> resample_relative_positions(std::span<const float> table, PatchGrid from, PatchGrid to,
                                                             std::size_t num_heads, PosEmbedResampling rule);

/// The bias of a block: BEiT's table, or what timm's RelPosMlp (mode "cr") makes of log-spaced offsets.
/// @return  [H, N, N]
[[nodiscard]] std::vector<float> attention_bias(const Architecture& architecture, const TensorSource& source,
                                                std::size_t block);

}  // namespace fovea
