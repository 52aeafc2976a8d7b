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

/// Rounds to the nearest value of the type, ties to even.
void round_as_stored(StoredFloat type, std::span<float> values);

/// timm's RotaryEmbeddingCat (EVA-02), or RotaryEmbeddingDinoV3.
/// @param periods  [d/4], for kDinoV3; empty: those of the settings' temperature
[[nodiscard]] nn::RotaryTable rotary_table(Rope rope, PatchGrid grid, std::size_t head_dim,
                                           const RopeSettings& settings, std::span<const float> periods = {});

/// timm's RotaryEmbeddingMixed (RoPE-ViT): the angle of a patch is its place along the first axis times one frequency
/// plus its place along the second axis times another.
/// @param x_first        the first axis is that of columns
/// @param first, second  [H, d/2], of one block
[[nodiscard]] nn::RotaryTable mixed_rotary_table(PatchGrid grid, std::size_t num_heads, bool x_first,
                                                 std::span<const float> first, std::span<const float> second);

}  // namespace fovea
