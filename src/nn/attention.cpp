#include "nn/attention.hpp"

#include <omp.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "nn/attention_kernels.hpp"
#include "nn/row_pieces.hpp"

namespace fovea::nn {

/// Each row, a query of a head, is computed in one way whichever thread does it and whichever rows it does with it, so
/// the result does not depend on the number of threads. oneDNN's batched product was here before: its split changes the
/// order of additions with the number of threads, and its first call spends 40 ms on making code.
struct Attention::Impl {
  explicit Impl(const AttentionShape& sizes) : shape(sizes) {}

  struct Call {
    std::span<const float> qkv;
    std::size_t queries;
    std::span<const float> bias;
    std::span<float> out;
    std::span<float> weights;
  };

  /// A thread's own: sharing the keys costs more, in waiting and in what one core fetches from the other, than it
  /// saves.
  struct Scratch {
    explicit Scratch(const AttentionShape& shape)
        : stride(aligned_stride(shape.tokens)), keys(shape.head_dim * stride), weights(RowPieces::kMostRows * stride) {}
    std::size_t stride;
    AlignedBuffer<float> keys;     // [d, stride] of one head
    AlignedBuffer<float> weights;  // [kMostRows, stride]
  };

  Scratch& own_scratch() { return scratch[static_cast<std::size_t>(omp_get_thread_num())]; }

  /// k of one head, [N, d] → [d, N]: the product wants neighbouring keys in neighbouring lanes.
  void transpose_keys(std::size_t head, std::span<const float> qkv, Scratch& own) const {
    const std::size_t width = shape.num_heads * shape.head_dim;  // D
    transpose(shape.tokens, shape.head_dim, {qkv.data() + width + head * shape.head_dim, 3 * width},
              {own.keys.data(), own.stride});
  }

  /// Queries first to first + rows of a head, whose keys are transposed.
  /// @param weights  [rows, N]
  void attend(const Call& call, std::size_t head, std::size_t first, std::size_t rows, const Scratch& own,
              Strided<float> weights) const {
    const auto& [tokens, num_heads, head_dim] = shape;
    const std::size_t width = num_heads * head_dim;  // D
    const std::size_t column = head * head_dim;
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
    const Strided<const float> q{call.qkv.data() + first * 3 * width + column, 3 * width};  // [rows, d]
    const Strided<const float> kt{own.keys.data(), own.stride};                             // [d, N]
    const Strided<const float> v{call.qkv.data() + 2 * width + column, 3 * width};          // [N, d]
    multiply({rows, head_dim, tokens}, scale, q, kt, weights);
    if (!call.bias.empty()) {
      const bool of_keys = call.bias.size() == tokens;
      for (std::size_t row = 0; row < rows; ++row) {
        const float* const bias = call.bias.data() + (of_keys ? 0 : ((head * tokens) + first + row) * tokens);
        for (std::size_t i = 0; i < tokens; ++i) weights.values[row * weights.stride + i] += bias[i];
      }
    }
    softmax_rows(rows, tokens, weights);
    multiply({rows, tokens, head_dim}, 1.0F, {weights.values, weights.stride}, v,
             {call.out.data() + first * width + column, width});
  }

  void heads_apart(const Call& call) {
    const std::size_t tokens = shape.tokens;
    Scratch& own = own_scratch();
    for_own_rows(shape.num_heads, call.queries, [&](std::size_t head, std::size_t begin, std::size_t count) {
      transpose_keys(head, call.qkv, own);
      for_pieces(begin, count, [&](std::size_t first, std::size_t rows) {
        const Strided<float> shown{call.weights.data() + (head * tokens + first) * tokens, tokens};
        attend(call, head, first, rows, own,
               call.weights.empty() ? Strided<float>{own.weights.data(), own.stride} : shown);
      });
    });
  }

  /// A thread takes its queries through all heads, so that it alone adds to their rows.
  void heads_fused(const Call& call, HeadFusion fusion) {
    const std::size_t tokens = shape.tokens;
    Scratch& own = own_scratch();
    for_own_rows(1, call.queries, [&](std::size_t, std::size_t begin, std::size_t count) {
      for (std::size_t head = 0; head < shape.num_heads; ++head) {
        transpose_keys(head, call.qkv, own);
        for_pieces(begin, count, [&](std::size_t first, std::size_t rows) {
          attend(call, head, first, rows, own, {own.weights.data(), own.stride});
          fuse_head(fusion, head, shape.num_heads, rows, tokens, {own.weights.data(), own.stride},
                    {call.weights.data() + first * tokens, tokens});
        });
      }
    });
  }

  AttentionShape shape;
  std::vector<Scratch> scratch;  // for each thread
};

Attention::Attention(const AttentionShape& shape) : impl_(std::make_unique<Impl>(shape)) {}
Attention::~Attention() = default;
Attention::Attention(Attention&&) noexcept = default;
Attention& Attention::operator=(Attention&&) noexcept = default;

void Attention::operator()(std::span<const float> qkv, std::size_t queries, std::span<const float> bias,
                           std::span<float> out, std::span<float> weights, std::optional<HeadFusion> fused) {
  Impl& impl = *impl_;
  const std::size_t tokens = impl.shape.tokens;
  const std::size_t heads = impl.shape.num_heads;
  const std::size_t shown = fused ? 1 : heads;
  assert(qkv.size() == 3 * tokens * heads * impl.shape.head_dim && 3 * out.size() == qkv.size());
  assert(queries <= tokens && (weights.empty() ? !fused : weights.size() == shown * tokens * tokens));
  assert(bias.empty() || bias.size() == tokens || bias.size() == heads * tokens * tokens);
  while (impl.scratch.size() < static_cast<std::size_t>(omp_get_max_threads())) impl.scratch.emplace_back(impl.shape);
  const Impl::Call call{qkv, queries, bias, out, weights};
#pragma omp parallel
  fused ? impl.heads_fused(call, *fused) : impl.heads_apart(call);
  if (weights.empty()) return;
  for (std::size_t head = 0; head < shown; ++head) {
    const auto unread = weights.subspan((head * tokens + queries) * tokens, (tokens - queries) * tokens);
    std::fill(unread.begin(), unread.end(), 0.0F);
  }
}

void attention_row(const AttentionShape& shape, std::span<const float> qkv, std::size_t query,
                   std::span<float> weights) {
  const auto& [tokens, num_heads, head_dim] = shape;
  const std::size_t width = num_heads * head_dim;  // D
  assert(qkv.size() == 3 * tokens * width && query < tokens && weights.size() == num_heads * tokens);
  AlignedBuffer<float> keys(head_dim * tokens);  // [d, N]
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  for (std::size_t head = 0; head < num_heads; ++head) {
    const float* q = qkv.data() + query * 3 * width + head * head_dim;
    transpose(tokens, head_dim, {qkv.data() + width + head * head_dim, 3 * width}, {keys.data(), tokens});
    multiply({1, head_dim, tokens}, scale, {q, 3 * width}, {keys.data(), tokens},
             {weights.data() + head * tokens, tokens});
  }
  softmax_rows(num_heads, tokens, {weights.data(), tokens});
}

void attend_with_one_query(const AttentionShape& shape, std::span<const float> query, std::span<const float> kv,
                           std::span<float> out, std::span<float> weights) {
  const auto& [tokens, num_heads, head_dim] = shape;
  const std::size_t width = num_heads * head_dim;  // D
  assert(query.size() == width && kv.size() == 2 * tokens * width && weights.size() == num_heads * tokens);
  AlignedBuffer<float> keys(head_dim * tokens);  // [d, n]
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  for (std::size_t head = 0; head < num_heads; ++head) {
    const std::size_t column = head * head_dim;
    const std::span<float> row = weights.subspan(head * tokens, tokens);
    transpose(tokens, head_dim, {kv.data() + column, 2 * width}, {keys.data(), tokens});
    multiply({1, head_dim, tokens}, scale, {query.data() + column, width}, {keys.data(), tokens}, {row.data(), tokens});
    softmax_rows(1, tokens, {row.data(), tokens});
    multiply({1, tokens, head_dim}, 1.0F, {row.data(), tokens}, {kv.data() + width + column, 2 * width},
             {out.data() + column, width});
  }
}

}  // namespace fovea::nn
