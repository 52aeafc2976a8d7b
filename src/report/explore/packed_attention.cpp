#include "report/explore/packed_attention.hpp"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <span>

#include "base/simd/head_fusion.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

/// @param rows     [n, width]
/// @param maxima   [n]
/// @param steps    [n, width]
void quantize_rows(std::span<const float> rows, std::size_t width, float* maxima, std::uint8_t* steps) {
  for (std::size_t begin = 0; begin < rows.size(); begin += width) {
    const std::span<const float> row = rows.subspan(begin, width);
    float maximum = 0.0F;
    for (const float weight : row) maximum = std::max(maximum, weight);
    const float scale = maximum > 0.0F ? 255.0F / maximum : 0.0F;
    // In this order of arguments NaN becomes 0, so that the cast is defined even if a broken model yields NaN.
    for (std::size_t i = 0; i < width; ++i) {
      steps[begin + i] = static_cast<std::uint8_t>(std::min(255.0F, std::max(0.0F, row[i] * scale + 0.5F)));
    }
    *maxima++ = maximum;
  }
}

}  // namespace

void AttentionPacker::add(const AttentionView& attention) {
  std::span<const float> rows = attention.weights;
  if (mean_heads_) {
    mean_.resize(rows.size() / attention.num_heads);
    fuse_heads(HeadFusion::kMean, attention.num_heads, rows, mean_);  // [H, N, N] → [N, N]
    rows = mean_;
  }
  tokens_ = attention.tokens;
  num_heads_ = mean_heads_ ? 1 : attention.num_heads;
  const std::size_t done = steps_.size();
  assert(maxima_.size() * tokens_ == done);
  maxima_.resize(maxima_.size() + rows.size() / tokens_);
  steps_.resize(done + rows.size());
  quantize_rows(rows, tokens_, maxima_.data() + done / tokens_, steps_.data() + done);
}

PackedAttention AttentionPacker::pack() const {
  PackedAttention packed{num_heads_, tokens_, {}};
  const std::span<const std::byte> maxima = std::as_bytes(std::span(maxima_));
  std::vector<std::uint8_t> plain(maxima.size() + steps_.size());
  std::memcpy(plain.data(), maxima.data(), maxima.size());
  std::copy(steps_.begin(), steps_.end(), plain.begin() + static_cast<std::ptrdiff_t>(maxima.size()));
  uLongf size = compressBound(plain.size());
  packed.deflated.resize(size);
  const int status = compress2(reinterpret_cast<Bytef*>(packed.deflated.data()), &size, plain.data(), plain.size(),
                               Z_DEFAULT_COMPRESSION);
  if (status != Z_OK) {
    throw Error(ErrorCode::kBackend, fmt::format("attention of {} bytes: zlib says {}", plain.size(), zError(status)),
                "use --attention mean, which needs less memory");
  }
  packed.deflated.resize(size);
  return packed;
}

}  // namespace fovea
