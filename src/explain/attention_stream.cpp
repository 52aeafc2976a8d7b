#include "explain/attention_stream.hpp"

#include <fmt/format.h>

#include "fovea/error.hpp"

namespace fovea {

AttentionStream::AttentionStream(std::string_view method, const TokenLayout& layout, BlockOrder order,
                                 std::size_t first_block)
    : method_(method),
      layout_(layout),
      order_(order),
      first_block_(order == BlockOrder::kFirstToLast ? 0 : first_block) {
  if (layout.num_blocks == 0 || layout.num_heads == 0 || layout.grid.size() == 0) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: layout is {} blocks, {} heads, {}x{} patches, expected at least 1", method_,
                            layout.num_blocks, layout.num_heads, layout.grid.rows, layout.grid.cols));
  }
  for (const ReadOutToken& read : layout.read_out) {
    if (read.token < layout.tokens()) continue;
    throw Error(ErrorCode::kShape,
                fmt::format("{}: read-out row is {}, expected one of {} tokens", method_, read.token, layout.tokens()));
  }
  require_block(method_, "start block", first_block, layout);
}

std::optional<std::size_t> AttentionStream::next_block() const noexcept {
  if (seen_ == expected_blocks()) return std::nullopt;
  return order_ == BlockOrder::kFirstToLast ? seen_ : last_block() - seen_;
}

/// @throws Error  kShape unless this is the next block.
void AttentionStream::require_next(std::size_t block) {
  const std::optional<std::size_t> next = next_block();
  if (next != block) {
    const std::string wanted = next ? fmt::format("{} of {}", *next, layout_.num_blocks)
                                    : fmt::format("no more than {} blocks", layout_.num_blocks);
    throw Error(ErrorCode::kShape, fmt::format("{}: block is {}, expected {}", method_, block, wanted));
  }
  if (order_ == BlockOrder::kLastToFirst && pooled() && !pool_seen_) {
    throw Error(ErrorCode::kShape, fmt::format("{}: block is {}, expected the attention pool first", method_, block));
  }
}

void AttentionStream::accept(const AttentionView& attention) {
  accept(attention, layout_.num_heads);
}

void AttentionStream::accept_fused(const AttentionView& attention) {
  accept(attention, attention.num_heads == 1 ? 1 : layout_.num_heads);
}

void AttentionStream::accept(const AttentionView& attention, std::size_t num_heads) {
  require_next(attention.block);
  const std::size_t expected = num_heads * tokens() * tokens();
  if (attention.num_heads != num_heads || attention.tokens != tokens() || attention.weights.size() != expected) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: attention of block {} is [{}, {}, {}] in {} values, expected [{}, {}, {}] in {}",
                            method_, attention.block, attention.num_heads, attention.tokens, attention.tokens,
                            attention.weights.size(), num_heads, tokens(), tokens(), expected));
  }
  ++seen_;
}

void AttentionStream::accept(const AttentionView& attention, std::span<const float> gradient) {
  if (gradient.size() != attention.weights.size()) {
    throw Error(ErrorCode::kShape, fmt::format("{}: gradient of block {} is {} values, expected {}", method_,
                                               attention.block, gradient.size(), attention.weights.size()));
  }
  accept(attention);
}

void AttentionStream::accept(const ScoreTerms& terms) {
  require_next(terms.block);
  if (terms.tokens.size() != tokens()) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: the terms of block {} are {} values, expected one for each of {} tokens", method_,
                            terms.block, terms.tokens.size(), tokens()));
  }
  ++seen_;
}

void AttentionStream::accept(std::size_t block, std::span<const double> gradient, std::span<const double> relevance) {
  require_next(block);
  const std::size_t expected = layout_.num_heads * tokens() * tokens();
  if (gradient.size() != expected || relevance.size() != expected) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: gradient and relevance of block {} are {} and {} values, expected {}", method_, block,
                            gradient.size(), relevance.size(), expected));
  }
  ++seen_;
}

void AttentionStream::accept_pool(MatrixView<const float> weights) {
  const bool fits = weights.rows() == layout_.pool_heads() && weights.cols() >= 1 && weights.cols() <= tokens();
  const bool forth = order_ == BlockOrder::kFirstToLast;
  const bool in_time = seen_ == (forth ? layout_.num_blocks : 0);
  if (!pooled() || !in_time || pool_seen_ || !fits) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: an attention pool [{}, {}] after {} of {} blocks, expected {}", method_,
                            weights.rows(), weights.cols(), seen_, layout_.num_blocks,
                            pooled() ? fmt::format("one of {} heads over up to {} tokens {} the last",
                                                   layout_.pool_heads(), tokens(), forth ? "after" : "before")
                                     : "no attention pool, because this model reads out tokens"));
  }
  pool_seen_ = true;
}

void AttentionStream::require_complete() const {
  if (pooled() && seen_ == expected_blocks() && !pool_seen_) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: the attention pool was not observed, expected after block {}", method_, last_block()));
  }
  if (seen_ != expected_blocks()) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: number of observed blocks is {}, expected {}", method_, seen_, expected_blocks()));
  }
}

Heatmap AttentionStream::patches_of(std::span<const float> row) const {
  const std::span<const float> patches = row.subspan(layout_.num_prefix, layout_.grid.size());
  return {layout_.grid, {patches.begin(), patches.end()}};
}

std::string start_block_text(const ExplainOptions& options) {
  return options.start_block == 0 ? "" : fmt::format(", from block {}", options.start_block);
}

std::string gamma_text(const ExplainOptions& options) {
  return options.gamma == 0.0F ? "" : fmt::format(", gamma {}", options.gamma);
}

std::string gradients_text(const ExplainOptions& options) {
  return options.gradients == Gradients::kTrue ? "" : ", libra gradients" + gamma_text(options);
}

void require_block(std::string_view method, std::string_view flag, std::size_t block, const TokenLayout& layout) {
  if (block < layout.num_blocks) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: {} is {}, expected 0 to {}", method, flag, block, layout.num_blocks - 1));
}

}  // namespace fovea
