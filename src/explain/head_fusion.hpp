// Heads of attention, chosen or fused to one matrix as the options say.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fovea/explain.hpp"

namespace fovea {

/// "mean heads", "max heads", "min heads": as a caption says it.
[[nodiscard]] std::string_view fused_heads_text(HeadFusion fusion) noexcept;

/// One head of a block as a block of one head; all heads where none is named.
[[nodiscard]] AttentionView heads_of(const AttentionView& attention, std::optional<std::size_t> head);
/// "head 2", or how all heads are fused.
[[nodiscard]] std::string heads_text(const ExplainOptions& options);
/// @param num_heads  of the attention that is shown
/// @throws Error     kUsage if the model has no such head.
void require_head(std::string_view method, const ExplainOptions& options, std::size_t num_heads);

/// Elementwise over the heads of one block; max and min are not renormalised, so their rows need not sum to 1.
/// @param begin   offset of the first value within a head's [tokens, tokens], e.g. row * tokens.
/// @param fused   begin + fused.size() <= tokens * tokens.
void fuse_heads(const AttentionView& attention, HeadFusion fusion, std::size_t begin, std::span<float> fused);

/// The fused rows of the tokens that are read out, averaged by their weights.
/// @param row  [tokens]
void fuse_read_out(const AttentionView& attention, HeadFusion fusion, std::span<const ReadOutToken> read_out,
                   std::span<float> row);

/// The heads of the attention pool as one row over all tokens; tokens that the pool does not see get 0.
/// @param weights  [num_heads, n], of the last n tokens
/// @param row      [tokens]
void fuse_pool(MatrixView<const float> weights, HeadFusion fusion, std::span<float> row);

}  // namespace fovea
