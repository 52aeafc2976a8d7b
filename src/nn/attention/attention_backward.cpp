#include "nn/attention/attention_backward.hpp"

#include <omp.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "nn/attention/attention_kernels.hpp"
#include "nn/kernels/row_pieces.hpp"

namespace fovea::nn {
namespace {

/// The attention of the way forth has left the cache, and a product that reads it by columns misses at every row.
void prefetch_columns(Strided<const float> matrix, std::size_t rows, std::size_t cols) {
  constexpr std::size_t kLine = kCacheLine / sizeof(float);
  constexpr int kToRead = 0;
  constexpr int kIntoSecondLevel = 2;
  for (std::size_t row = 0; row < rows; ++row) {
    const float* const values = from_row(matrix, row).values;
    for (std::size_t i = 0; i < cols; i += kLine) __builtin_prefetch(values + i, kToRead, kIntoSecondLevel);
  }
}

}  // namespace

AttentionBackward::AttentionBackward(const AttentionShape& shape)
    : shape_(shape), stride_(aligned_stride(shape.tokens)), d_scores_(shape.num_heads * shape.tokens * stride_) {}

void AttentionBackward::weights(std::span<const float> qkv, std::size_t queries, std::span<const float> d_out,
                                std::span<float> gradient) {
  const std::size_t tokens = shape_.tokens;
  const std::size_t dim = shape_.head_dim;
  const std::size_t heads = shape_.num_heads;
  const std::size_t width = heads * dim;  // D
  assert(qkv.size() == 3 * tokens * width && d_out.size() == queries * width);
  assert(gradient.size() == heads * tokens * tokens);
  while (values_.size() < static_cast<std::size_t>(omp_get_max_threads())) values_.emplace_back(dim * stride_);
#pragma omp parallel
  {
    AlignedBuffer<float>& values = values_[static_cast<std::size_t>(omp_get_thread_num())];
    for_own_rows(heads, queries, [&](std::size_t head, std::size_t first, std::size_t rows) {
      transpose(tokens, dim, {qkv.data() + 2 * width + head * dim, 3 * width}, {values.data(), stride_});
      multiply({rows, dim, tokens}, 1.0F, {d_out.data() + first * width + head * dim, width}, {values.data(), stride_},
               {gradient.data() + (head * tokens + first) * tokens, tokens});
    });
#pragma omp for schedule(static)
    for (std::size_t head = 0; head < heads; ++head) {
      const auto unread = gradient.subspan((head * tokens + queries) * tokens, (tokens - queries) * tokens);
      std::fill(unread.begin(), unread.end(), 0.0F);
    }
  }
}

void AttentionBackward::inputs(std::span<const float> qkv, std::span<const float> attention, std::size_t queries,
                               std::span<const float> d_out, std::span<const float> gradient, std::span<float> d_qkv) {
  const std::size_t tokens = shape_.tokens;
  const std::size_t dim = shape_.head_dim;
  const std::size_t heads = shape_.num_heads;
  const std::size_t width = heads * dim;  // D
  assert(attention.size() == heads * tokens * tokens && gradient.size() == attention.size());
  assert(d_qkv.size() == qkv.size() && d_out.size() == queries * width);
  const float scale = 1.0F / std::sqrt(static_cast<float>(dim));
#pragma omp parallel
  {
    // dS and dq of a few queries at a time.
    for_own_rows(heads, queries, [&](std::size_t head, std::size_t begin, std::size_t count) {
      for_pieces(begin, count, [&](std::size_t first, std::size_t rows) {
        const std::size_t offset = (head * tokens + first) * tokens;
        const Strided<float> d_scores{d_scores_.data() + (head * tokens + first) * stride_, stride_};
        softmax_backward_rows(rows, tokens, {attention.data() + offset, tokens}, {gradient.data() + offset, tokens},
                              d_scores);
        multiply({rows, tokens, dim}, scale, {d_scores.values, stride_}, {qkv.data() + width + head * dim, 3 * width},
                 {d_qkv.data() + first * 3 * width + head * dim, 3 * width});
      });
    });
#pragma omp barrier
    // dk and dv of a few keys at a time: columns of dS and A.
    for_own_rows(heads, tokens, [&](std::size_t head, std::size_t begin, std::size_t count) {
      for_pieces(begin, count, [&](std::size_t first, std::size_t rows) {
        float* const d_key = d_qkv.data() + first * 3 * width + width + head * dim;
        multiply_transposed({rows, queries, dim}, scale, {d_scores_.data() + head * tokens * stride_ + first, stride_},
                            {qkv.data() + head * dim, 3 * width}, {d_key, 3 * width});
        multiply_transposed({rows, queries, dim}, 1.0F, {attention.data() + head * tokens * tokens + first, tokens},
                            {d_out.data() + head * dim, width}, {d_key + width, 3 * width});
      });
    });
    // Queries that nothing was read from.
#pragma omp for schedule(static)
    for (std::size_t token = queries; token < tokens; ++token)
      std::fill_n(d_qkv.data() + token * 3 * width, width, 0.0F);
  }
}

void AttentionBackward::values(std::span<const float> attention, std::size_t queries, std::span<const float> d_out,
                               std::span<float> d_value) const {
  const std::size_t tokens = shape_.tokens;
  const std::size_t dim = shape_.head_dim;
  const std::size_t heads = shape_.num_heads;
  const std::size_t width = heads * dim;  // D
  assert(attention.size() == heads * tokens * tokens && d_out.size() == queries * width);
  assert(d_value.size() == tokens * width);
#pragma omp parallel
  for_own_rows(heads, tokens, [&](std::size_t head, std::size_t begin, std::size_t count) {
    prefetch_columns({attention.data() + head * tokens * tokens + begin, tokens}, queries, count);
    for_pieces(begin, count, [&](std::size_t first, std::size_t rows) {
      multiply_transposed({rows, queries, dim}, 1.0F, {attention.data() + head * tokens * tokens + first, tokens},
                          {d_out.data() + head * dim, width}, {d_value.data() + first * width + head * dim, width});
    });
  });
}

void attend_with_one_query_backward(const AttentionShape& shape, Gradients gradients, std::span<const float> query,
                                    std::span<const float> kv, std::span<const float> weights,
                                    std::span<const float> d_out, std::span<float> gradient, std::span<float> d_kv) {
  const auto& [tokens, num_heads, head_dim] = shape;
  const std::size_t width = num_heads * head_dim;  // D
  assert(kv.size() == 2 * tokens * width && d_kv.size() == kv.size() && d_out.size() == width);
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  std::vector<float> d_scores(tokens);
  for (std::size_t head = 0; head < num_heads; ++head) {
    const std::size_t column = head * head_dim;
    const auto row = gradient.subspan(head * tokens, tokens);
    for (std::size_t token = 0; token < tokens; ++token) {
      const float* const value = kv.data() + (2 * token + 1) * width + column;
      float sum = 0.0F;
      for (std::size_t i = 0; i < head_dim; ++i) sum += d_out[column + i] * value[i];
      row[token] = sum;
    }
    const auto attention = weights.subspan(head * tokens, tokens);
    if (gradients == Gradients::kTrue) {
      softmax_backward_rows(1, tokens, {attention.data(), tokens}, {row.data(), tokens}, {d_scores.data(), tokens});
    }
    for (std::size_t token = 0; token < tokens; ++token) {
      float* const d_key = d_kv.data() + 2 * token * width + column;
      for (std::size_t i = 0; i < head_dim; ++i) {
        d_key[i] = scale * d_scores[token] * query[column + i];
        d_key[width + i] = attention[token] * d_out[column + i];
      }
    }
  }
}

}  // namespace fovea::nn
