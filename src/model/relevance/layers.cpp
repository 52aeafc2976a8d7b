#include "model/relevance/layers.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>

namespace fovea {

using nn::MatrixF64;

namespace {

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

}  // namespace

double safe_divide(double numerator, double denominator) {
  constexpr double kStabilizer = 1e-9;
  if (denominator == 0.0) return 0.0;
  const double stable = denominator + kStabilizer;
  return numerator / (stable == 0.0 ? kStabilizer : stable);
}

MatrixF64 safe_divide(const MatrixF64& numerator, MatrixF64 denominator) {
  assert(numerator.values.size() == denominator.values.size());
  std::transform(numerator.values.begin(), numerator.values.end(), denominator.values.begin(),
                 denominator.values.begin(), [](double n, double d) { return safe_divide(n, d); });
  return denominator;
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
  const MatrixF64 s = safe_divide(relevance, std::move(z));
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

}  // namespace fovea
