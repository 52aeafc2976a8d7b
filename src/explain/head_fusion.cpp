#include "explain/head_fusion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <vector>

#include "base/parallel.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

// 8 KB: a chunk of the result stays in the first-level cache while all heads pass over it.
constexpr std::size_t kChunk = 2048;

/// @param factor  of the result
template <typename Combine>
void fold_heads(const AttentionView& attention, std::size_t begin, std::span<float> fused, float factor,
                Combine combine) {
  for_each_piece((fused.size() + kChunk - 1) / kChunk, [&](std::size_t chunk) {
    const std::size_t at = chunk * kChunk;
    const std::size_t count = std::min(kChunk, fused.size() - at);
    float* const out = fused.data() + at;
    std::copy_n(attention.head(0).data() + begin + at, count, out);
    for (std::size_t h = 1; h < attention.num_heads; ++h) {
      const float* const in = attention.head(h).data() + begin + at;
      for (std::size_t i = 0; i < count; ++i) out[i] = combine(out[i], in[i]);
    }
    if (factor == 1) return;
    for (std::size_t i = 0; i < count; ++i) out[i] *= factor;
  });
}

}  // namespace

std::string_view fused_heads_text(HeadFusion fusion) noexcept {
  switch (fusion) {
    case HeadFusion::kMean: return "mean heads";
    case HeadFusion::kMax: return "max heads";
    case HeadFusion::kMin: return "min heads";
  }
  return "";
}

AttentionView heads_of(const AttentionView& attention, std::optional<std::size_t> head) {
  if (!head) return attention;
  return {attention.block, 1, attention.tokens, attention.head(*head)};
}

std::string heads_text(const ExplainOptions& options) {
  return options.head ? fmt::format("head {}", *options.head) : std::string(fused_heads_text(options.head_fusion));
}

void require_head(std::string_view method, const ExplainOptions& options, const TokenLayout& layout) {
  if (!options.head || *options.head < layout.num_heads) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: head is {}, expected 0 to {}", method, *options.head, layout.num_heads - 1));
}

void fuse_heads(const AttentionView& attention, HeadFusion fusion, std::size_t begin, std::span<float> fused) {
  assert(begin + fused.size() <= attention.tokens * attention.tokens);
  switch (fusion) {
    case HeadFusion::kMean:
      return fold_heads(attention, begin, fused, 1.0F / static_cast<float>(attention.num_heads),
                        [](float a, float b) { return a + b; });
    case HeadFusion::kMax:
      return fold_heads(attention, begin, fused, 1.0F, [](float a, float b) { return a < b ? b : a; });
    case HeadFusion::kMin:
      return fold_heads(attention, begin, fused, 1.0F, [](float a, float b) { return b < a ? b : a; });
  }
}

void fuse_read_out(const AttentionView& attention, HeadFusion fusion, std::span<const ReadOutToken> read_out,
                   std::span<float> row) {
  std::fill(row.begin(), row.end(), 0.0F);
  std::vector<float> one(row.size());
  for (const ReadOutToken& token : read_out) {
    fuse_heads(attention, fusion, token.token * attention.tokens, one);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] += token.weight * one[i];
  }
}

void fuse_pool(MatrixView<const float> weights, HeadFusion fusion, std::span<float> row) {
  assert(weights.cols() <= row.size());
  const std::size_t unseen = row.size() - weights.cols();
  std::fill_n(row.begin(), unseen, 0.0F);
  for (std::size_t i = 0; i < weights.cols(); ++i) {
    float fused = weights.row(0)[i];
    for (std::size_t h = 1; h < weights.rows(); ++h) {
      const float value = weights.row(h)[i];
      fused = fusion == HeadFusion::kMean  ? fused + value
              : fusion == HeadFusion::kMax ? std::max(fused, value)
                                           : std::min(fused, value);
    }
    row[unseen + i] = fusion == HeadFusion::kMean ? fused / static_cast<float>(weights.rows()) : fused;
  }
}

}  // namespace fovea
