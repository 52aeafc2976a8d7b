// One row of the attention, for every block and head at once.
#pragma once

#include <vector>

#include "fovea/explain.hpp"
#include "image/overlay/sheet.hpp"

namespace fovea {

/// Collects, while a forward pass runs, for all blocks and heads what `attention` shows of one: the row of the tokens
/// that are read out, or of the query. Each block is a row of the sheet: its heads, then their mean.
class AttentionSheet {
 public:
  AttentionSheet(const ExplainOptions& options, const TokenLayout& layout);

  void observe(const AttentionView& attention);
  /// For an attention pool without a query: its heads are the only row.
  /// @param weights  [num_heads, n], of the last n tokens
  void observe_pool(MatrixView<const float> weights);

  [[nodiscard]] const MapSheet& sheet() const noexcept { return sheet_; }

 private:
  [[nodiscard]] std::vector<float> patches_of(const std::vector<float>& row) const;

  TokenLayout layout_;
  std::vector<ReadOutToken> query_;  // empty: the query of the pool
  MapSheet sheet_;
};

}  // namespace fovea
