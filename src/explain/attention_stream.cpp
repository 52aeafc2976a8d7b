#include "explain/attention_stream.hpp"

#include <fmt/format.h>

#include "fovea/error.hpp"

namespace fovea {

AttentionStream::AttentionStream(std::string_view method, const TokenLayout& layout)
    : method_(method), layout_(layout) {
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
}

void AttentionStream::accept(const AttentionView& attention) {
  if (attention.block != seen_ || seen_ == layout_.num_blocks) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: block is {}, expected {} of {}", method_, attention.block, seen_, layout_.num_blocks));
  }
  const std::size_t expected = layout_.num_heads * tokens() * tokens();
  if (attention.num_heads != layout_.num_heads || attention.tokens != tokens() ||
      attention.weights.size() != expected) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: attention of block {} is [{}, {}, {}] in {} values, expected [{}, {}, {}] in {}",
                            method_, attention.block, attention.num_heads, attention.tokens, attention.tokens,
                            attention.weights.size(), layout_.num_heads, tokens(), tokens(), expected));
  }
  ++seen_;
}

void AttentionStream::accept_pool(MatrixView<const float> weights) {
  const bool fits = weights.rows() == layout_.num_heads && weights.cols() >= 1 && weights.cols() <= tokens();
  if (!pooled() || seen_ != layout_.num_blocks || pool_seen_ || !fits) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: an attention pool [{}, {}] after {} of {} blocks, expected {}", method_,
                            weights.rows(), weights.cols(), seen_, layout_.num_blocks,
                            pooled() ? fmt::format("one of {} heads over up to {} tokens after the last",
                                                   layout_.num_heads, tokens())
                                     : "none: tokens are read out"));
  }
  pool_seen_ = true;
}

void AttentionStream::require_complete() const {
  if (pooled() && seen_ == layout_.num_blocks && !pool_seen_) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: the attention pool was not observed, expected after block {}", method_, last_block()));
  }
  if (seen_ != layout_.num_blocks) {
    throw Error(ErrorCode::kShape,
                fmt::format("{}: number of observed blocks is {}, expected {}", method_, seen_, layout_.num_blocks));
  }
}

}  // namespace fovea
