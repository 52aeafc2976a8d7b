// The attention of one block, as DINO's visualize_attention.py shows it (Caron et al. 2021). The default is the last
// block's attention from the read-out tokens.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "explain/attention_stream.hpp"
#include "explain/head_fusion.hpp"
#include "explain/registry.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

/// Keeps the fewest patches that hold this share of the map's sum and sets the others to 0.
void keep_mass(std::span<float> values, float share) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  double below = 0;
  for (const std::size_t at : order) {  // smallest first
    below += double{values[at]};
    if (below > (1 - double{share}) * sum) return;
    values[at] = 0;
  }
}

class RawAttention final : public Explainer {
 public:
  RawAttention(const ExplainOptions& options, const TokenLayout& layout)
      : stream_("attention", layout),
        options_(options),
        block_(options.block.value_or(stream_.last_block())),
        query_(layout.read_out),
        row_(layout.tokens()) {
    if (options.query) {
      query_ = {{layout.num_prefix + options.query->row * layout.grid.cols + options.query->col, 1.0F}};
    }
  }

  void observe(const AttentionView& attention) override {
    stream_.accept(attention);
    if (attention.block != block_ || query_.empty()) return;
    fuse_read_out(heads_of(attention, options_.head), options_.head_fusion, query_, row_);
  }

  /// The read-out of an attention pool is its own attention.
  void observe_pool(MatrixView<const float> weights) override {
    stream_.accept_pool(weights);
    if (!query_.empty()) return;
    const MatrixView<const float> heads =
        options_.head ? MatrixView<const float>(weights.row(*options_.head), 1, weights.cols()) : weights;
    fuse_pool(heads, options_.head_fusion, row_);
  }

  Heatmap heatmap() override {
    stream_.require_complete();
    Heatmap map = stream_.patches_of(row_);
    if (options_.mass) keep_mass(map.values, *options_.mass);
    return map;
  }

 private:
  AttentionStream stream_;
  ExplainOptions options_;
  std::size_t block_;
  std::vector<ReadOutToken> query_;  // whose attention; empty: the pool's
  std::vector<float> row_;           // [tokens]
};

std::string raw_attention_variant(const ExplainOptions& options) {
  std::string text = options.block ? fmt::format("block {}", *options.block) : "last block";
  text += ", " + heads_text(options);
  if (options.query) text += fmt::format(", of patch {},{}", options.query->row, options.query->col);
  if (options.mass) text += fmt::format(", {} of the mass", *options.mass);
  return text;
}

std::unique_ptr<Explainer> make_raw_attention(const ExplainOptions& options, const TokenLayout& layout) {
  if (options.block) require_block("attention", "block", *options.block, layout);
  const bool of_pool = layout.read_out.empty() && !options.query;
  require_head("attention", options, of_pool ? layout.pool_heads() : layout.num_heads);
  const PatchGrid grid = layout.grid;
  if (options.query && (options.query->row >= grid.rows || options.query->col >= grid.cols)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("attention: query is patch {},{}, expected row 0 to {} and column 0 to {}",
                            options.query->row, options.query->col, grid.rows - 1, grid.cols - 1));
  }
  if (options.block && !options.query && layout.read_out.empty()) {
    throw Error(
        ErrorCode::kUsage,
        "attention: --query is missing, expected one for a block of a model whose read-out is an attention pool",
        "add --query row,col, or leave out --block to see the pool's own attention");
  }
  return std::make_unique<RawAttention>(options, layout);
}

}  // namespace

ExplainMethod raw_attention_method() {
  return {
      .name = "attention",
      .title = "attention",
      .question = Question::kWhere,
      .shows =
          "Which patches the read-out token, or any patch, attends to in one block. What earlier blocks already "
          "mixed into those patches is left out, and the map is the same for every class.",
      .costs = "nothing beyond the forward pass",
      .reference = "Caron et al. 2021, Emerging Properties in Self-Supervised Vision Transformers, arXiv:2104.14294",
      .needs = {.attention = true},
      .variant = raw_attention_variant,
      .make = make_raw_attention,
      .reads = {"head-fusion", "block", "head", "query", "mass"}};
}

}  // namespace fovea
