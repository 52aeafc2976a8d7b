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

  /// A thread's own: sharing the keys costs more, in waiting and in what one core fetches from the other, than it
  /// saves.
  struct Scratch {
    explicit Scratch(const AttentionShape& shape)
        : keys(shape.head_dim * shape.tokens), weights(RowPieces::kMostRows * shape.tokens) {}
    AlignedBuffer<float> keys;     // [d, N] of one head
    AlignedBuffer<float> weights;  // [kMostRows, N]
  };

  void add_scratch(int threads) {
    while (scratch.size() < static_cast<std::size_t>(threads)) scratch.emplace_back(shape);
  }

  /// k of one head, [N, d] → [d, N]: the product wants neighbouring keys in neighbouring lanes.
  void transpose_keys(std::size_t head, std::span<const float> qkv, AlignedBuffer<float>& keys) const {
    const std::size_t width = shape.num_heads * shape.head_dim;  // D
    transpose(shape.tokens, shape.head_dim, {qkv.data() + width + head * shape.head_dim, 3 * width},
              {keys.data(), shape.tokens});
  }

  /// @param keys     [d, N]
  /// @param bias     [rows, N] or [N], or empty
  /// @param weights  [rows, N]
  void attend(std::size_t head, std::size_t first, std::size_t rows, std::span<const float> qkv,
              std::span<const float> keys, std::span<const float> bias, std::span<float> out,
              std::span<float> weights) const {
    const auto& [tokens, num_heads, head_dim] = shape;
    const std::size_t width = num_heads * head_dim;  // D
    const std::size_t column = head * head_dim;
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
    const Strided<const float> q{qkv.data() + first * 3 * width + column, 3 * width};  // [rows, d]
    const Strided<const float> kt{keys.data(), tokens};                                // [d, N]
    const Strided<const float> v{qkv.data() + 2 * width + column, 3 * width};          // [N, d]
    multiply({rows, head_dim, tokens}, scale, q, kt, {weights.data(), tokens});
    const std::size_t repeats = bias.empty() ? 0 : weights.size() / bias.size();  // rows
    for (std::size_t row = 0; row < repeats; ++row) {
      for (std::size_t i = 0; i < bias.size(); ++i) weights[row * bias.size() + i] += bias[i];
    }
    softmax_rows(weights, tokens);
    multiply({rows, tokens, head_dim}, 1.0F, {weights.data(), tokens}, v, {out.data() + first * width + column, width});
  }

  AttentionShape shape;
  std::vector<Scratch> scratch;  // for each thread
};

Attention::Attention(const AttentionShape& shape) : impl_(std::make_unique<Impl>(shape)) {}
Attention::~Attention() = default;
Attention::Attention(Attention&&) noexcept = default;
Attention& Attention::operator=(Attention&&) noexcept = default;

void Attention::operator()(std::span<const float> qkv, std::size_t queries, std::span<const float> bias,
                           std::span<float> out, std::span<float> weights) {
  Impl& impl = *impl_;
  const std::size_t tokens = impl.shape.tokens;
  const std::size_t heads = impl.shape.num_heads;
  assert(qkv.size() == 3 * tokens * heads * impl.shape.head_dim && 3 * out.size() == qkv.size());
  assert(queries <= tokens && (weights.empty() || (queries == tokens && weights.size() == heads * tokens * tokens)));
  assert(bias.empty() || bias.size() == tokens || bias.size() == heads * tokens * tokens);
  impl.add_scratch(omp_get_max_threads());
#pragma omp parallel
  {
    Impl::Scratch& scratch = impl.scratch[static_cast<std::size_t>(omp_get_thread_num())];
    for_own_rows(heads, queries, [&](std::size_t head, std::size_t begin, std::size_t count) {
      const RowPieces pieces(count);
      impl.transpose_keys(head, qkv, scratch.keys);
      for (std::size_t piece = 0; piece < pieces.count(); ++piece) {
        const std::size_t first = begin + pieces.first(piece);
        const std::size_t rows = pieces.rows(piece);
        const std::size_t offset = (head * tokens + first) * tokens;
        impl.attend(head, first, rows, qkv, scratch.keys.span(),
                    bias.size() <= tokens ? bias : bias.subspan(offset, rows * tokens), out,
                    weights.empty() ? scratch.weights.first(rows * tokens) : weights.subspan(offset, rows * tokens));
      }
    });
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
  softmax_rows(weights, tokens);
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
    softmax_rows(row, tokens);
    multiply({1, tokens, head_dim}, 1.0F, {row.data(), tokens}, {kv.data() + width + column, 2 * width},
             {out.data() + column, width});
  }
}

}  // namespace fovea::nn
