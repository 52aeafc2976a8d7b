#include "nn/attention/attention.hpp"

#include <omp.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/simd/head_fusion.hpp"
#include "nn/attention/attention_kernels.hpp"
#include "nn/attention/head_attention.hpp"
#include "nn/kernels/row_pieces.hpp"

namespace fovea::nn {

/// Each row, a query of a head, is computed in one way whichever thread does it and whichever rows it does with it, so
/// the result does not depend on the number of threads. oneDNN's batched product would split the additions by the
/// number of threads, and its first call takes 40 ms to generate code.
struct Attention::Impl {
  Impl(const AttentionShape& sizes, Precision precision) : shape(sizes), products(precision) {
    assert(products == Precision::kF32 || products == Precision::kBf16);
  }

  struct Call {
    std::span<const float> qkv;
    std::size_t queries;
    std::span<const float> bias;
    std::span<float> out;
    std::span<float> weights;
  };

  /// Each thread has one of its own.
  struct Worker {
    Worker(const AttentionShape& shape, Precision products)
        : head(products == Precision::kBf16 ? make_head_attention_bf16(shape.tokens, shape.head_dim)
                                            : make_head_attention_f32(shape.tokens, shape.head_dim)),
          stride(aligned_stride(shape.tokens)),
          weights(RowPieces::kMostRows * stride) {}
    std::unique_ptr<HeadAttention> head;
    std::size_t stride;
    AlignedBuffer<float> weights;  // [kMostRows, stride]
  };

  Worker& own_worker() { return workers[static_cast<std::size_t>(omp_get_thread_num())]; }

  /// q, k or v of a head, from a row (token) on.
  enum Part : std::size_t { kQuery, kKey, kValue };
  [[nodiscard]] Strided<const float> part(const Call& call, Part wanted, std::size_t head, std::size_t row) const {
    const std::size_t width = shape.num_heads * shape.head_dim;  // D
    return {call.qkv.data() + (row * 3 + wanted) * width + head * shape.head_dim, 3 * width};
  }

  void pack_head(const Call& call, std::size_t head, Worker& own) const {
    own.head->pack(part(call, kKey, head, 0), part(call, kValue, head, 0));
  }

  /// Queries first to first + rows of the head that was packed.
  /// @param weights  [rows, N]
  void attend(const Call& call, std::size_t head, std::size_t first, std::size_t rows, Worker& own, bool shown,
              Strided<float> weights) const {
    const std::size_t tokens = shape.tokens;
    const std::size_t width = shape.num_heads * shape.head_dim;
    Strided<const float> bias{nullptr, 0};
    if (call.bias.size() == tokens) {
      bias = {call.bias.data(), 0};
    } else if (!call.bias.empty()) {
      bias = {call.bias.data() + (head * tokens + first) * tokens, tokens};
    }
    own.head->attend(rows, part(call, kQuery, head, first), bias, shown, weights,
                     {call.out.data() + first * width + head * shape.head_dim, width});
  }

  void heads_apart(const Call& call) {
    const std::size_t tokens = shape.tokens;
    const bool shown = !call.weights.empty();
    Worker& own = own_worker();
    for_own_rows(shape.num_heads, call.queries, [&](std::size_t head, std::size_t begin, std::size_t count) {
      pack_head(call, head, own);
      for_pieces(begin, count, [&](std::size_t first, std::size_t rows) {
        attend(call, head, first, rows, own, shown,
               shown ? Strided<float>{call.weights.data() + (head * tokens + first) * tokens, tokens}
                     : Strided<float>{own.weights.data(), own.stride});
      });
    });
  }

  /// A thread computes its queries in all heads, so that no other thread adds to their rows.
  void heads_fused(const Call& call, HeadFusion fusion) {
    const std::size_t tokens = shape.tokens;
    Worker& own = own_worker();
    for_own_rows(1, call.queries, [&](std::size_t, std::size_t begin, std::size_t count) {
      for (std::size_t head = 0; head < shape.num_heads; ++head) {
        pack_head(call, head, own);
        for_pieces(begin, count, [&](std::size_t first, std::size_t rows) {
          attend(call, head, first, rows, own, true, {own.weights.data(), own.stride});
          for (std::size_t row = 0; row < rows; ++row) {
            fuse_head(fusion, head, shape.num_heads, own.weights.span().subspan(row * own.stride, tokens),
                      call.weights.subspan((first + row) * tokens, tokens));
          }
        });
      }
    });
  }

  AttentionShape shape;
  Precision products;
  std::vector<Worker> workers;  // for each thread
};

void add_bias(std::size_t rows, std::size_t tokens, Strided<const float> bias, Strided<float> logits) {
  for (std::size_t row = 0; row < rows; ++row) {
    const float* const of_row = from_row(bias, row).values;
    float* const values = from_row(logits, row).values;
    for (std::size_t i = 0; i < tokens; ++i) values[i] += of_row[i];
  }
}

Attention::Attention(const AttentionShape& shape, Precision products)
    : impl_(std::make_unique<Impl>(shape, products)) {}
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
  while (impl.workers.size() < static_cast<std::size_t>(omp_get_max_threads())) {
    impl.workers.emplace_back(impl.shape, impl.products);
  }
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
