// How the network is told a patch's position: learned embeddings, rotations, relative biases.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "nn/attention/rotary.hpp"

namespace fovea {

/// Resamples learned position embeddings to another patch grid (Dosovitskiy et al. 2021, section 3.2), as the family
/// does it.
/// @param pos_embed  [from.size(), D], patches only
/// @return           [to.size(), D]; unchanged if the grids are equal
/// @throws Error     kUsage if the rule is kFixed and the grids differ.
[[nodiscard]] std::vector<float> resample_pos_embed(std::span<const float> pos_embed, PatchGrid from, PatchGrid to,
                                                    PosEmbedResampling rule);

/// timm's RotaryEmbeddingCat (EVA-02), or RotaryEmbeddingDinoV3.
/// @param periods  [d/4], for kDinoV3; empty: those of the settings' temperature
[[nodiscard]] nn::RotaryTable rotary_table(Rope rope, PatchGrid grid, std::size_t head_dim,
                                           const RopeSettings& settings, std::span<const float> periods = {});

/// BEiT's table, one value for each head and offset, as a bias for each pair of tokens (Bao et al. 2022; timm beit.py
/// gen_relative_position_index). One prefix token, the class token, has three entries of its own at the end.
/// @param table  [(2 rows - 1)(2 cols - 1) + 3, H]
/// @return       [H, N, N]
[[nodiscard]] std::vector<float> expand_relative_positions(PatchGrid grid, std::size_t num_heads,
                                                           std::span<const float> table);

}  // namespace fovea
