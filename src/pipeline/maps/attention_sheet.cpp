#include "pipeline/maps/attention_sheet.hpp"

#include <fmt/core.h>

#include <cstddef>
#include <utility>

#include "explain/head_fusion.hpp"

namespace fovea {

AttentionSheet::AttentionSheet(const ExplainOptions& options, const TokenLayout& layout)
    : layout_(layout), query_(layout.read_out), sheet_{layout.grid, {}, {}} {
  if (options.query) {
    query_ = {{layout.num_prefix + options.query->row * layout.grid.cols + options.query->col, 1.0F}};
  }
  const std::size_t heads = query_.empty() ? layout.pool_heads() : layout.num_heads;
  sheet_.columns.reserve(heads + 1);
  for (std::size_t head = 0; head < heads; ++head) sheet_.columns.push_back(fmt::format("head {}", head));
  sheet_.columns.emplace_back("mean");
}

void AttentionSheet::observe(const AttentionView& attention) {
  if (query_.empty()) return;
  SheetRow& sheet_row = sheet_.rows.emplace_back();
  sheet_row.label = fmt::format("block {}", attention.block);
  sheet_row.maps.reserve(attention.num_heads + 1);
  std::vector<float> row(layout_.tokens());
  for (std::size_t head = 0; head < attention.num_heads; ++head) {
    fuse_read_out(heads_of(attention, head), HeadFusion::kMean, query_, row);
    sheet_row.maps.push_back(patches_of(row));
  }
  fuse_read_out(attention, HeadFusion::kMean, query_, row);
  sheet_row.maps.push_back(patches_of(row));
}

void AttentionSheet::observe_pool(MatrixView<const float> weights) {
  if (!query_.empty()) return;
  SheetRow& sheet_row = sheet_.rows.emplace_back();
  sheet_row.label = "pool";
  sheet_row.maps.reserve(weights.rows() + 1);
  std::vector<float> row(layout_.tokens());
  for (std::size_t head = 0; head < weights.rows(); ++head) {
    fuse_pool({weights.row(head), 1, weights.cols()}, HeadFusion::kMean, row);
    sheet_row.maps.push_back(patches_of(row));
  }
  fuse_pool(weights, HeadFusion::kMean, row);
  sheet_row.maps.push_back(patches_of(row));
}

std::vector<float> AttentionSheet::patches_of(const std::vector<float>& row) const {
  return {row.begin() + static_cast<std::ptrdiff_t>(layout_.num_prefix), row.end()};
}

}  // namespace fovea
