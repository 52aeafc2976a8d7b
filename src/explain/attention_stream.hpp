// Checks the order in which evidence arrives.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "fovea/explain.hpp"

namespace fovea {

/// The direction in which the blocks arrive.
enum class BlockOrder {
  kFirstToLast,  // in a forward pass; the attention pool comes after the last block
  kLastToFirst,  // for gradients and relevance; the attention pool comes before the last block
};

/// Checks that an explainer is fed what its layout announces: each block once, in order, with the same sizes.
class AttentionStream {
 public:
  /// @param method       for messages only.
  /// @param first_block  where a backward pass ends.
  /// @throws Error  kShape for a layout without blocks, heads or patches, or with a read-out row that does not exist;
  /// kUsage if
  ///                there is no such first block.
  AttentionStream(std::string_view method, const TokenLayout& layout, BlockOrder order = BlockOrder::kFirstToLast,
                  std::size_t first_block = 0);

  /// @throws Error  kShape if this is not the next block, or has other sizes.
  void accept(const AttentionView& attention);
  /// The same for attention whose heads may be fused into one.
  void accept_fused(const AttentionView& attention);
  /// The same for attention together with its gradient.
  void accept(const AttentionView& attention, std::span<const float> gradient);
  /// The same for the terms of a score.
  void accept(const ScoreTerms& terms);
  /// The same for relevance together with its gradient.
  void accept(std::size_t block, std::span<const double> gradient, std::span<const double> relevance);
  /// @throws Error  kShape if no attention pool is expected here, or if it has other sizes.
  void accept_pool(MatrixView<const float> weights);
  /// @throws Error  kShape if blocks or the attention pool are missing.
  void require_complete() const;

  [[nodiscard]] const TokenLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] std::size_t tokens() const noexcept { return layout_.tokens(); }
  [[nodiscard]] bool pooled() const noexcept { return layout_.read_out.empty(); }
  [[nodiscard]] std::size_t last_block() const noexcept { return layout_.num_blocks - 1; }
  [[nodiscard]] std::size_t first_block() const noexcept { return first_block_; }
  /// Cuts the patches out of a row over all tokens, as a map.
  [[nodiscard]] Heatmap patches_of(std::span<const float> row) const;

 private:
  [[nodiscard]] std::size_t expected_blocks() const noexcept { return layout_.num_blocks - first_block_; }
  void require_next(std::size_t block);
  void accept(const AttentionView& attention, std::size_t num_heads);
  /// The block that is expected next; none after the last.
  [[nodiscard]] std::optional<std::size_t> next_block() const noexcept;

  std::string method_;
  TokenLayout layout_;
  BlockOrder order_;
  std::size_t first_block_;  // 0 in the forward direction
  std::size_t seen_ = 0;
  bool pool_seen_ = false;
};

/// A suffix for a variant: ", from block 6" if earlier blocks are left out.
[[nodiscard]] std::string start_block_text(const ExplainOptions& options);

/// The same: ", gamma 0.05".
[[nodiscard]] std::string gamma_text(const ExplainOptions& options);
/// The same: ", libra gradients", with their gamma.
[[nodiscard]] std::string gradients_text(const ExplainOptions& options);

/// @throws Error  kUsage if the model has no such block.
void require_block(std::string_view method, std::string_view flag, std::size_t block, const TokenLayout& layout);

}  // namespace fovea
