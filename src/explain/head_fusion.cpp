#include "explain/head_fusion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <vector>

#include "base/simd/head_fusion.hpp"
#include "base/parallel.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

// 8 KB: a chunk of the result stays in the first-level cache while all heads are fused into it.
constexpr std::size_t kChunk = 2048;

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

void require_head(std::string_view method, const ExplainOptions& options, std::size_t num_heads) {
  if (!options.head || *options.head < num_heads) return;
  throw Error(ErrorCode::kUsage, fmt::format("{}: head is {}, expected 0 to {}", method, *options.head, num_heads - 1));
}

void fuse_heads(const AttentionView& attention, HeadFusion fusion, std::size_t begin, std::span<float> fused) {
  assert(begin + fused.size() <= attention.tokens * attention.tokens);
  for_each_piece((fused.size() + kChunk - 1) / kChunk, [&](std::size_t chunk) {
    const std::size_t at = chunk * kChunk;
    const std::size_t count = std::min(kChunk, fused.size() - at);
    for (std::size_t head = 0; head < attention.num_heads; ++head) {
      fuse_head(fusion, head, attention.num_heads, attention.head(head).subspan(begin + at, count),
                fused.subspan(at, count));
    }
  });
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
  fuse_heads(fusion, weights.rows(), weights.values(), row.subspan(unseen));
}

}  // namespace fovea
