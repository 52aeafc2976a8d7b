// The order in which evidence arrives.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "fovea/explain.hpp"

namespace fovea {

/// Which way the blocks come.
enum class BlockOrder {
  kFirstToLast,  // with a forward pass; the pool after the last
  kLastToFirst,  // with gradients and relevance; the pool before the last
};

/// Sees to it that an explainer is fed what its layout announces: each block once, in order, of the same sizes.
class AttentionStream {
 public:
  /// @param method       for messages.
  /// @param first_block  on the way back, where it ends.
  /// @throws Error  kShape for a layout without blocks, heads or patches, or whose read-out row does not exist; kUsage
  ///                if there is no such first block.
  AttentionStream(std::string_view method, const TokenLayout& layout, BlockOrder order = BlockOrder::kFirstToLast,
                  std::size_t first_block = 0);

  /// @throws Error  kShape if this is not the next block, or of other sizes.
  void accept(const AttentionView& attention);
  /// The same of one head that all were fused into, or of each.
  void accept_fused(const AttentionView& attention);
  /// The same of a gradient beside it.
  void accept(const AttentionView& attention, std::span<const float> gradient);
  /// The same of relevance, with the gradient beside it.
  void accept(std::size_t block, std::span<const double> gradient, std::span<const double> relevance);
  /// @throws Error  kShape if no pool is expected here, or it is of other sizes.
  void accept_pool(MatrixView<const float> weights);
  /// @throws Error  kShape if blocks, or the pool, are missing.
  void require_complete() const;

  [[nodiscard]] const TokenLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] std::size_t tokens() const noexcept { return layout_.tokens(); }
  [[nodiscard]] bool pooled() const noexcept { return layout_.read_out.empty(); }
  [[nodiscard]] std::size_t last_block() const noexcept { return layout_.num_blocks - 1; }
  [[nodiscard]] std::size_t first_block() const noexcept { return first_block_; }
  /// The patches of a row over all tokens, as a map.
  [[nodiscard]] Heatmap patches_of(std::span<const float> row) const;

 private:
  [[nodiscard]] std::size_t expected_blocks() const noexcept { return layout_.num_blocks - first_block_; }
  void require_next(std::size_t block);
  void accept(const AttentionView& attention, std::size_t num_heads);
  /// The block that comes next, or none after the last.
  [[nodiscard]] std::optional<std::size_t> next_block() const noexcept;

  std::string method_;
  TokenLayout layout_;
  BlockOrder order_;
  std::size_t first_block_;  // 0 on the way forth
  std::size_t seen_ = 0;
  bool pool_seen_ = false;
};

/// Appended to a variant: ", from block 6" where blocks are left out.
[[nodiscard]] std::string start_block_text(const ExplainOptions& options);

/// @throws Error  kUsage if the model has no such block.
void require_block(std::string_view method, std::string_view flag, std::size_t block, const TokenLayout& layout);

}  // namespace fovea
