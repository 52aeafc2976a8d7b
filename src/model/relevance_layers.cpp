#include "model/relevance_layers.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

namespace fovea {

using nn::MatrixF64;
using nn::Sign;
using nn::ViewF64;

namespace {

/// R / Z, value by value.
MatrixF64 divided(const MatrixF64& relevance, MatrixF64 by) {
  assert(relevance.values.size() == by.values.size());
  for (std::size_t i = 0; i < by.values.size(); ++i) by.values[i] = safe_divide(relevance.values[i], by.values[i]);
  return by;
}

double sum(const MatrixF64& matrix) {
  return std::accumulate(matrix.values.begin(), matrix.values.end(), 0.0);
}

/// Mean and 1/σ of a row; of RMSNorm the mean counts as 0.
struct RowScale {
  double centre = 0;
  double inverse = 0;
};
RowScale row_scale(const Architecture& a, std::span<const double> x) {
  const auto count = static_cast<double>(x.size());
  RowScale scale;
  if (!a.rms_norm) scale.centre = std::accumulate(x.begin(), x.end(), 0.0) / count;
  double squares = 0;
  for (const double value : x) squares += (value - scale.centre) * (value - scale.centre);
  scale.inverse = 1.0 / std::sqrt(squares / count + static_cast<double>(a.norm_eps));
  return scale;
}

struct ValueAndSlope {
  double value;
  double slope;
};
ValueAndSlope activation_at(Activation activation, double x) {
  const auto sigmoid = [](double t) { return 1.0 / (1.0 + std::exp(-t)); };
  switch (activation) {
    case Activation::kNone: break;
    case Activation::kGelu: {
      const double cdf = 0.5 * std::erfc(-x / std::numbers::sqrt2);
      const double pdf = std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      return {x * cdf, cdf + x * pdf};
    }
    case Activation::kGeluTanh: {
      const double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // √(2/π)
      const double t = std::tanh(scale * (x + 0.044715 * x * x * x));
      return {0.5 * x * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * scale * (1.0 + 3 * 0.044715 * x * x)};
    }
    case Activation::kQuickGelu:
    case Activation::kSilu: {
      const double steepness = activation == Activation::kSilu ? 1.0 : 1.702;
      const double s = sigmoid(steepness * x);
      return {x * s, s + x * steepness * s * (1.0 - s)};
    }
  }
  return {x, 1.0};
}

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

double safe_divide(double numerator, double denominator) {
  constexpr double kStabilizer = 1e-9;
  if (denominator == 0.0) return 0.0;
  const double stable = denominator + kStabilizer;
  return numerator / (stable == 0.0 ? kStabilizer : stable);
}

void add(MatrixF64& y, const MatrixF64& x) {
  assert(y.values.size() == x.values.size());
  for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] += x.values[i];
}

MatrixF64 linear(const LinearF64& layer, const MatrixF64& x) {
  MatrixF64 y(x.rows, layer.weight.rows);
  for (std::size_t r = 0; r < y.rows; ++r) std::copy(layer.bias.begin(), layer.bias.end(), y.row(r));
  nn::add_product(x.view(), layer.weight.view().transposed(), Sign::kAny, y.values.data(), y.cols);
  return y;
}

MatrixF64 linear_gradient(const LinearF64& layer, const MatrixF64& dy) {
  return nn::product(dy.view(), layer.weight.view());
}

MatrixF64 linear_relevance(const LinearF64& layer, const MatrixF64& x, const MatrixF64& relevance) {
  MatrixF64 positive = x;
  MatrixF64 negative = x;
  for (double& value : positive.values) value = std::max(value, 0.0);
  for (double& value : negative.values) value = std::min(value, 0.0);
  const ViewF64 weight = layer.weight.view();
  MatrixF64 z = nn::product(positive.view(), weight.transposed(), Sign::kPositive);
  nn::add_product(negative.view(), weight.transposed(), Sign::kNegative, z.values.data(), z.cols);
  const MatrixF64 s = divided(relevance, std::move(z));
  MatrixF64 result = nn::product(s.view(), weight, Sign::kPositive);
  const MatrixF64 of_negative = nn::product(s.view(), weight, Sign::kNegative);
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] = x.values[i] * (x.values[i] > 0.0 ? result.values[i] : of_negative.values[i]);
  }
  return result;
}

MatrixF64 normalize(const Architecture& a, const NormF64& norm, const MatrixF64& x) {
  if (norm.weight.empty()) return x;
  MatrixF64 y(x.rows, x.cols);
  for (std::size_t r = 0; r < x.rows; ++r) {
    const auto [centre, inverse] = row_scale(a, {x.row(r), x.cols});
    for (std::size_t i = 0; i < x.cols; ++i) {
      y.row(r)[i] = (x.row(r)[i] - centre) * inverse * norm.weight[i] + (norm.bias.empty() ? 0.0 : norm.bias[i]);
    }
  }
  return y;
}

/// With x̂ the normalised row and g = dy ⊙ w: (g - mean(g) - x̂ mean(g ⊙ x̂)) / σ, of RMSNorm without mean(g).
MatrixF64 normalize_gradient(const Architecture& a, const NormF64& norm, const MatrixF64& x, const MatrixF64& dy) {
  if (norm.weight.empty()) return dy;
  MatrixF64 dx(x.rows, x.cols);
  const auto count = static_cast<double>(x.cols);
  for (std::size_t r = 0; r < x.rows; ++r) {
    const auto [centre, inverse] = row_scale(a, {x.row(r), x.cols});
    double mean = 0;
    double along = 0;
    for (std::size_t i = 0; i < x.cols; ++i) {
      const double g = dy.row(r)[i] * norm.weight[i];
      if (!a.rms_norm) mean += g / count;
      along += g * (x.row(r)[i] - centre) * inverse / count;
    }
    for (std::size_t i = 0; i < x.cols; ++i) {
      const double g = dy.row(r)[i] * norm.weight[i];
      dx.row(r)[i] = inverse * (g - mean - (x.row(r)[i] - centre) * inverse * along);
    }
  }
  return dx;
}

MatrixF64 activate(Activation activation, const MatrixF64& x) {
  MatrixF64 y = x;
  for (double& value : y.values) value = activation_at(activation, value).value;
  return y;
}

MatrixF64 activation_gradient(Activation activation, const MatrixF64& x, MatrixF64 dy) {
  for (std::size_t i = 0; i < x.values.size(); ++i) dy.values[i] *= activation_at(activation, x.values[i]).slope;
  return dy;
}

std::pair<MatrixF64, MatrixF64> add_relevance(const MatrixF64& a, const MatrixF64& b, const MatrixF64& relevance) {
  MatrixF64 of_a = a;
  MatrixF64 of_b = b;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const double s = safe_divide(relevance.values[i], a.values[i] + b.values[i]);
    of_a.values[i] *= s;
    of_b.values[i] *= s;
  }
  const double sum_a = sum(of_a);
  const double sum_b = sum(of_b);
  const double total = sum(relevance);
  const double both = std::abs(sum_a) + std::abs(sum_b);
  const double factor_a = safe_divide(safe_divide(std::abs(sum_a), both) * total, sum_a);
  const double factor_b = safe_divide(safe_divide(std::abs(sum_b), both) * total, sum_b);
  for (double& value : of_a.values) value *= factor_a;
  for (double& value : of_b.values) value *= factor_b;
  return {std::move(of_a), std::move(of_b)};
}

MatrixF64 clone_relevance(const MatrixF64& x, const MatrixF64& a, const MatrixF64& b) {
  MatrixF64 relevance = x;
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    relevance.values[i] *= safe_divide(a.values[i], x.values[i]) + safe_divide(b.values[i], x.values[i]);
  }
  return relevance;
}

void add_mean_relevance(const MatrixF64& x, std::size_t first, std::span<const double> relevance, MatrixF64& result) {
  const auto count = static_cast<double>(x.rows - first);
  for (std::size_t i = 0; i < x.cols; ++i) {
    double mean = 0;
    for (std::size_t r = first; r < x.rows; ++r) mean += std::max(x.row(r)[i], 0.0) / count;
    const double s = safe_divide(relevance[i], mean);
    for (std::size_t r = first; r < x.rows; ++r) result.row(r)[i] += std::max(x.row(r)[i], 0.0) / count * s;
  }
}

AttentionF64 attend(std::size_t num_heads, MatrixF64 qkv, std::span<const double> bias) {
  const std::size_t tokens = qkv.rows;
  const std::size_t width = qkv.cols / 3;  // D
  AttentionF64 attention{num_heads, std::move(qkv), MatrixF64(num_heads * tokens, tokens), MatrixF64(tokens, width)};
  const double scale = 1.0 / std::sqrt(static_cast<double>(width / num_heads));
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

AttentionBackF64 attention_gradient(const AttentionF64& attention, const MatrixF64& d_mixed) {
  const MatrixF64& qkv = attention.qkv;
  const std::size_t tokens = qkv.rows;
  AttentionBackF64 back{MatrixF64(attention.weights.rows, tokens), MatrixF64(tokens, qkv.cols)};
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

AttentionBackF64 attention_relevance(const AttentionF64& attention, const MatrixF64& relevance) {
  const MatrixF64& qkv = attention.qkv;
  const std::size_t tokens = qkv.rows;
  AttentionBackF64 back{MatrixF64(attention.weights.rows, tokens), MatrixF64(tokens, qkv.cols)};
  const MatrixF64 s_mixed = divided(relevance, attention.mixed);
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
