#include "nn/attention/differential.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <vector>

#include "nn/attention/attention_kernels.hpp"

namespace fovea::nn {
namespace {

/// The parts of one head.
struct Head {
  Head(const AttentionShape& shape, std::span<const float> qkv, std::size_t index)
      : tokens(shape.tokens),
        half(shape.head_dim / 2),
        width(shape.num_heads * shape.head_dim),
        q(qkv.data() + index * shape.head_dim),
        scale(1.0F / std::sqrt(static_cast<float>(half))) {}

  [[nodiscard]] Strided<const float> query(std::size_t part) const { return {q + part * half, 3 * width}; }
  [[nodiscard]] Strided<const float> key(std::size_t part) const { return {q + width + part * half, 3 * width}; }
  [[nodiscard]] Strided<const float> value() const { return {q + 2 * width, 3 * width}; }

  /// softmax(q kᵀ / √(d/2)) of one of the two, [queries, N].
  [[nodiscard]] std::vector<float> softmax(std::size_t part, std::size_t queries) const {
    std::vector<float> keys(half * tokens);  // [d/2, N]
    transpose(tokens, half, key(part), {keys.data(), tokens});
    std::vector<float> weights(queries * tokens);
    multiply({queries, half, tokens}, scale, query(part), {keys.data(), tokens}, {weights.data(), tokens});
    softmax_rows(queries, tokens, {weights.data(), tokens});
    return weights;
  }

  /// A, [queries, N].
  static std::vector<float> difference(std::vector<float> first, const std::vector<float>& second, float lambda) {
    for (std::size_t i = 0; i < first.size(); ++i) first[i] -= lambda * second[i];
    return first;
  }

  std::size_t tokens;  // N
  std::size_t half;    // d/2
  std::size_t width;   // H·d
  const float* q;
  float scale;
};

}  // namespace

void attend_differentially(const AttentionShape& shape, float lambda, std::span<const float> qkv, std::size_t queries,
                           std::span<float> out, std::span<float> weights) {
  const std::size_t tokens = shape.tokens;
  const std::size_t num_heads = shape.num_heads;
  const std::size_t dim = shape.head_dim;
  const std::size_t width = num_heads * dim;
  const std::size_t matrix = tokens * tokens;
  assert(dim % 2 == 0 && qkv.size() == 3 * tokens * width && out.size() == tokens * width);
  assert(weights.empty() || weights.size() == num_heads * matrix);
#pragma omp parallel for schedule(static)
  for (std::size_t index = 0; index < num_heads; ++index) {
    const Head head(shape, qkv, index);
    const std::vector<float> a = Head::difference(head.softmax(0, queries), head.softmax(1, queries), lambda);
    multiply({queries, tokens, dim}, 1.0F, {a.data(), tokens}, head.value(), {out.data() + index * dim, width});
    if (weights.empty()) continue;
    const std::span<float> shown = weights.subspan(index * matrix, matrix);
    std::fill(std::copy(a.begin(), a.end(), shown.begin()), shown.end(), 0.0F);
  }
}

void attend_differentially_backward(const AttentionShape& shape, float lambda, std::span<const float> qkv,
                                    std::size_t queries, std::span<const float> d_out, std::span<const float> gradient,
                                    std::span<float> d_qkv) {
  const std::size_t tokens = shape.tokens;
  const std::size_t num_heads = shape.num_heads;
  const std::size_t dim = shape.head_dim;
  const std::size_t width = num_heads * dim;
  assert(d_qkv.size() == qkv.size() && d_out.size() == queries * width);
  assert(gradient.size() == num_heads * tokens * tokens);
  std::fill(d_qkv.begin(), d_qkv.end(), 0.0F);  // queries that nothing was read from
#pragma omp parallel for schedule(static)
  for (std::size_t index = 0; index < num_heads; ++index) {
    const Head head(shape, qkv, index);
    const std::array softmaxes{head.softmax(0, queries), head.softmax(1, queries)};
    float* const d_query = d_qkv.data() + index * dim;
    const std::vector<float> a = Head::difference(softmaxes[0], softmaxes[1], lambda);
    multiply_transposed({tokens, queries, dim}, 1.0F, {a.data(), tokens}, {d_out.data() + index * dim, width},
                        {d_query + 2 * width, 3 * width});
    const Strided<const float> of_a{gradient.data() + index * tokens * tokens, tokens};
    std::vector<float> d_scores(queries * tokens);
    for (const std::size_t part : {0U, 1U}) {
      softmax_backward_rows(queries, tokens, {softmaxes[part].data(), tokens}, of_a, {d_scores.data(), tokens});
      const float scale = part == 0 ? head.scale : -lambda * head.scale;
      float* const d_q = d_query + part * head.half;
      multiply({queries, tokens, head.half}, scale, {d_scores.data(), tokens}, head.key(part), {d_q, 3 * width});
      multiply_transposed({tokens, queries, head.half}, scale, {d_scores.data(), tokens}, head.query(part),
                          {d_q + width, 3 * width});
    }
  }
}

}  // namespace fovea::nn
