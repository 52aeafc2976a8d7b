// The order in which attention arrives.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "fovea/explain.hpp"

namespace fovea {

/// Sees to it that an explainer is fed what its layout announces: each block once, first to last, of the same sizes.
class AttentionStream {
 public:
  /// @param method  for messages.
  /// @throws Error  kShape for a layout without blocks, heads or patches, or whose read-out row does not exist.
  AttentionStream(std::string_view method, const TokenLayout& layout);

  /// @throws Error  kShape if this is not the next block, or of other sizes.
  void accept(const AttentionView& attention);
  /// @throws Error  kShape if no pool is expected here, or it is of other sizes.
  void accept_pool(MatrixView<const float> weights);
  /// @throws Error  kShape if blocks, or the pool, are missing.
  void require_complete() const;

  [[nodiscard]] const TokenLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] std::size_t tokens() const noexcept { return layout_.tokens(); }
  [[nodiscard]] bool pooled() const noexcept { return layout_.read_out.empty(); }
  [[nodiscard]] std::size_t last_block() const noexcept { return layout_.num_blocks - 1; }

 private:
  std::string method_;
  TokenLayout layout_;
  std::size_t seen_ = 0;
  bool pool_seen_ = false;
};

}  // namespace fovea
