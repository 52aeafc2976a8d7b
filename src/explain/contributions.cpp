#include "explain/contributions.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <utility>

namespace fovea {
namespace {

/// An attention pool reads every token. Its own weights are no attention of a block, and are not observed here.
TokenLayout read_by_rows(TokenLayout layout) {
  if (!layout.read_out.empty()) return layout;
  for (std::size_t token = 0; token < layout.tokens(); ++token) layout.read_out.push_back({token, 1.0F});
  return layout;
}

}  // namespace

Contributions::Contributions(const TokenLayout& layout)
    : attention_("contributions", read_by_rows(layout), BlockOrder::kLastToFirst),
      terms_("contributions", attention_.layout(), BlockOrder::kLastToFirst) {}

void Contributions::observe(const AttentionView& attention, std::span<const float> gradient) {
  attention_.accept(attention, gradient);
  const TokenLayout& layout = attention_.layout();
  const std::size_t tokens = layout.tokens();
  BlockContributions& block = blocks_.emplace_back();
  block.block = attention.block;
  std::vector<double> brought(tokens);
  for (std::size_t h = 0; h < attention.num_heads; ++h) {
    std::fill(brought.begin(), brought.end(), 0.0);
    for (const ReadOutToken& read : layout.read_out) {
      const std::size_t at = (h * tokens + read.token) * tokens;  // [h, read.token, 0]
      for (std::size_t j = 0; j < tokens; ++j) {
        brought[j] += static_cast<double>(attention.weights[at + j]) * static_cast<double>(gradient[at + j]);
      }
    }
    const auto first_patch = brought.begin() + static_cast<std::ptrdiff_t>(layout.num_prefix);
    block.heads_prefix.push_back(std::accumulate(brought.begin(), first_patch, 0.0));
    std::transform(first_patch, brought.end(), std::back_inserter(block.heads),
                   [](double value) { return static_cast<float>(value); });
  }
}

void Contributions::observe(const ScoreTerms& terms) {
  terms_.accept(terms);
  BlockContributions& block = blocks_.back();
  const std::size_t prefix = terms_.layout().num_prefix;
  block.prefix.assign(terms.tokens.begin(), terms.tokens.begin() + static_cast<std::ptrdiff_t>(prefix));
  std::transform(terms.tokens.begin() + static_cast<std::ptrdiff_t>(prefix), terms.tokens.end(),
                 std::back_inserter(block.patches), [](double value) { return static_cast<float>(value); });
  block.biases = terms.biases;
  block.earlier = terms.earlier_read_outs;
}

std::vector<BlockContributions> Contributions::take() {
  terms_.require_complete();
  std::reverse(blocks_.begin(), blocks_.end());
  return std::move(blocks_);
}

}  // namespace fovea
