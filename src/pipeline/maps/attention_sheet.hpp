// Where one row of the attention looks, for every block and head at once.
#pragma once

#include <vector>

#include "fovea/explain.hpp"
#include "image/overlay/sheet.hpp"

namespace fovea {

/// Collects, while a forward pass runs, what `attention` shows of one block and head for all of them: the row of the
/// tokens that are read out, or of the query. A block is a row: its heads, then their mean.
class AttentionSheet {
 public:
  AttentionSheet(const ExplainOptions& options, const TokenLayout& layout);

  void observe(const AttentionView& attention);
  /// Where an attention pool reads out and there is no query: its heads are the only row.
  /// @param weights  [num_heads, n], of the last n tokens
  void observe_pool(MatrixView<const float> weights);

  [[nodiscard]] const MapSheet& sheet() const noexcept { return sheet_; }

 private:
  [[nodiscard]] std::vector<float> patches_of(const std::vector<float>& row) const;

  TokenLayout layout_;
  std::vector<ReadOutToken> query_;  // empty: the pool's
  MapSheet sheet_;
};

}  // namespace fovea
