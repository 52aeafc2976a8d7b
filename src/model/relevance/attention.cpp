#include "model/relevance/attention.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "model/relevance/layers.hpp"

namespace fovea {

using nn::MatrixF64;

namespace {

/// q (`third` 0), k (1) or v (2) of a head, [N, d].
ViewF64 head_of(const MatrixF64& qkv, std::size_t num_heads, std::size_t third, std::size_t head) {
  const std::size_t dim = qkv.cols / 3 / num_heads;
  return qkv.columns(third * qkv.cols / 3 + head * dim, dim);
}

/// The place of a head's view of a matrix of the same shape.
double* place_of(MatrixF64& matrix, const MatrixF64& like, const ViewF64& view) {
  return matrix.values.data() + (view.values - like.values.data());
}

/// A head's [N, N].
ViewF64 head_weights(const MatrixF64& weights, std::size_t head) {
  return {weights.row(head * weights.cols), weights.cols, weights.cols, weights.cols};
}

/// place ⊙= factor · x, for a part of a matrix with rows `step` apart.
void scale_by(const ViewF64& x, double factor, double* place, std::size_t step) {
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) place[r * step + c] *= factor * x.at(r, c);
  }
}

void softmax(std::span<double> row) {
  const double largest = *std::max_element(row.begin(), row.end());
  double total = 0;
  for (double& value : row) {
    value = std::exp(value - largest);
    total += value;
  }
  for (double& value : row) value /= total;
}

}  // namespace

AttentionF64 attend(std::size_t num_heads, MatrixF64 qkv, std::span<const double> bias) {
  const std::size_t tokens = qkv.rows;
  const std::size_t width = qkv.cols / 3;  // D
  AttentionF64 attention{num_heads, std::move(qkv), MatrixF64(num_heads * tokens, tokens), MatrixF64(tokens, width)};
  const std::size_t head_dim = width / num_heads;
  const double scale = 1.0 / std::sqrt(static_cast<double>(head_dim));
  for (std::size_t head = 0; head < num_heads; ++head) {
    const ViewF64 q = head_of(attention.qkv, num_heads, 0, head);
    const ViewF64 k = head_of(attention.qkv, num_heads, 1, head);
    const ViewF64 v = head_of(attention.qkv, num_heads, 2, head);
    double* const weights = attention.weights.row(head * tokens);
    nn::add_product(q, k.transposed(), Sign::kAny, weights, tokens);
    for (std::size_t r = 0; r < tokens; ++r) {
      const std::span<double> row(weights + r * tokens, tokens);
      for (double& value : row) value *= scale;
      if (!bias.empty()) {
        const auto added = bias.subspan((head * tokens + r) * tokens, tokens);
        std::transform(row.begin(), row.end(), added.begin(), row.begin(), std::plus<>());
      }
      softmax(row);
    }
    nn::add_product(head_weights(attention.weights, head), v, Sign::kAny, attention.mixed.values.data() + head * v.cols,
                    width);
  }
  return attention;
}

AttentionBackwardF64 attention_gradient(const AttentionF64& attention, const MatrixF64& d_mixed) {
  const MatrixF64& qkv = attention.qkv;
  const std::size_t tokens = qkv.rows;
  AttentionBackwardF64 back{MatrixF64(attention.weights.rows, tokens), MatrixF64(tokens, qkv.cols)};
  for (std::size_t head = 0; head < attention.num_heads; ++head) {
    const ViewF64 q = head_of(qkv, attention.num_heads, 0, head);
    const ViewF64 k = head_of(qkv, attention.num_heads, 1, head);
    const ViewF64 v = head_of(qkv, attention.num_heads, 2, head);
    const ViewF64 weights = head_weights(attention.weights, head);
    const ViewF64 d_out = d_mixed.columns(head * v.cols, v.cols);
    double* const gradient = back.weights.row(head * tokens);
    nn::add_product(d_out, v.transposed(), Sign::kAny, gradient, tokens);
    nn::add_product(weights.transposed(), d_out, Sign::kAny, place_of(back.qkv, qkv, v), qkv.cols);

    MatrixF64 d_scores(tokens, tokens);
    const double scale = 1.0 / std::sqrt(static_cast<double>(q.cols));
    for (std::size_t r = 0; r < tokens; ++r) {
      double along = 0;
      for (std::size_t c = 0; c < tokens; ++c) along += gradient[r * tokens + c] * weights.at(r, c);
      for (std::size_t c = 0; c < tokens; ++c) {
        d_scores.row(r)[c] = scale * weights.at(r, c) * (gradient[r * tokens + c] - along);
      }
    }
    nn::add_product(d_scores.view(), k, Sign::kAny, place_of(back.qkv, qkv, q), qkv.cols);
    nn::add_product(d_scores.view().transposed(), q, Sign::kAny, place_of(back.qkv, qkv, k), qkv.cols);
  }
  return back;
}

AttentionBackwardF64 attention_relevance(const AttentionF64& attention, const MatrixF64& relevance) {
  const MatrixF64& qkv = attention.qkv;
  const std::size_t tokens = qkv.rows;
  AttentionBackwardF64 back{MatrixF64(attention.weights.rows, tokens), MatrixF64(tokens, qkv.cols)};
  const MatrixF64 s_mixed = safe_divide(relevance, attention.mixed);
  for (std::size_t head = 0; head < attention.num_heads; ++head) {
    const ViewF64 q = head_of(qkv, attention.num_heads, 0, head);
    const ViewF64 k = head_of(qkv, attention.num_heads, 1, head);
    const ViewF64 v = head_of(qkv, attention.num_heads, 2, head);
    const ViewF64 weights = head_weights(attention.weights, head);
    const auto receive = [&](const ViewF64& x, const ViewF64& s, const ViewF64& y) {  // x ⊙ (s · y) / 2
      double* const place = place_of(back.qkv, qkv, x);
      nn::add_product(s, y, Sign::kAny, place, qkv.cols);
      scale_by(x, 0.5, place, qkv.cols);
    };
    const ViewF64 s_out = s_mixed.columns(head * v.cols, v.cols);
    double* const of_weights = back.weights.row(head * tokens);
    nn::add_product(s_out, v.transposed(), Sign::kAny, of_weights, tokens);
    scale_by(weights, 0.5, of_weights, tokens);
    receive(v, weights.transposed(), s_out);

    MatrixF64 s_scores = nn::product(q, k.transposed());
    for (std::size_t i = 0; i < s_scores.values.size(); ++i) {
      s_scores.values[i] = safe_divide(of_weights[i], s_scores.values[i]);
    }
    receive(q, s_scores.view(), k);
    receive(k, s_scores.view().transposed(), q);
  }
  return back;
}

}  // namespace fovea
