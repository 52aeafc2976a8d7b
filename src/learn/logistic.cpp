#include "learn/logistic.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/simd/matmul_f64.hpp"
#include "learn/minimise.hpp"
#include "learn/symmetric_eigen.hpp"

namespace fovea::learn {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;
using View = Eigen::Map<const RowMajor>;

Eigen::Index index(std::size_t i) {
  return static_cast<Eigen::Index>(i);
}
View view_of(const Matrix& m) {
  return {m.values.data(), index(m.rows), index(m.cols)};
}

/// Examples that are multiplied together.
constexpr Eigen::Index kBlock = 256;

/// Some rows of a matrix, as products take them.
ViewF64 product_view(const RowMajor& m, Eigen::Index first, Eigen::Index rows) {
  const auto cols = static_cast<std::size_t>(m.cols());
  return {m.data() + first * m.cols(), static_cast<std::size_t>(rows), cols, cols};
}

/// Scores to probabilities, in place; the sum of w·log-loss.
double softmax_loss(RowMajor& scores, const Eigen::Index* classes, const double* weights) {
  double loss = 0;
  for (Eigen::Index i = 0; i < scores.rows(); ++i) {
    auto row = scores.row(i);
    const double most = row.maxCoeff();
    const double own = row[classes[i]] - most;
    row = (row.array() - most).exp();
    const double sum = row.sum();
    row /= sum;
    loss += weights[i] * (std::log(sum) - own);
  }
  return loss;
}

/// Orthonormal directions along which the features vary, most first, and their variances.
struct Axes {
  RowMajor directions;  // [D, r]
  Vector sums;          // [r] Σ w·x²
};

/// Less than this of the largest variance is rounding.
constexpr double kNoVariance = 1e-14;

/// @param x  [n, D], centred and multiplied by √w
Axes principal_axes(const RowMajor& x) {
  const bool wide = x.cols() > x.rows();
  const RowMajor square = wide ? RowMajor(x * x.transpose()) : RowMajor(x.transpose() * x);
  const auto [values, all_vectors] = symmetric_eigen(square);
  const double least = kNoVariance * std::max(values[values.size() - 1], 1e-300);
  const Eigen::Index rank = (values.array() > least).count();
  Axes axes{{}, values.tail(rank).reverse()};
  const Eigen::MatrixXd vectors = all_vectors.rightCols(rank).rowwise().reverse();
  axes.directions = wide ? RowMajor(x.transpose() * vectors) : RowMajor(vectors);
  for (Eigen::Index j = 0; wide && j < rank; ++j) axes.directions.col(j).normalize();
  return axes;
}

}  // namespace

Matrix scores_of(const LinearHead& head, const Matrix& features) {
  Matrix scores{features.rows, head.weight.rows};
  Eigen::Map<RowMajor> out(scores.values.data(), index(scores.rows), index(scores.cols));
  out.noalias() = view_of(features) * view_of(head.weight).transpose();
  out.rowwise() += Eigen::Map<const Vector>(head.bias.data(), index(head.bias.size())).transpose();
  return scores;
}

Matrix scores_of(const LinearHead& head, const Examples& examples) {
  Matrix scores = scores_of(head, examples.features);
  for (std::size_t i = 0; i < examples.offsets.values.size(); ++i) scores.values[i] += examples.offsets.values[i];
  return scores;
}

/// The problem in the principal axes of its features. The penalty is the same there, directions without variance are
/// gone, and the Hessian is nearly diagonal, so L-BFGS needs a tenth of the evaluations.
struct LogisticRegression::Impl {
  RowMajor features;  // [n, r]
  RowMajor offsets;   // [n, present]; may be empty
  Axes axes;
  Vector mean;                        // [D]
  std::vector<Eigen::Index> classes;  // [n], among the present ones
  std::vector<double> weights;        // [n]
  std::vector<std::size_t> present;   // classes that have examples
  std::size_t num_classes = 0;
  double total = 0;             // Σ w
  std::vector<double> last;     // of the last fit: [present, r], then [present]
  std::size_t evaluations = 0;  // of all fits

  explicit Impl(const Examples& examples)
      : weights(examples.weights),
        num_classes(examples.num_classes),
        total(std::accumulate(weights.begin(), weights.end(), 0.0)) {
    std::vector<Eigen::Index> place(num_classes, -1);
    for (const std::size_t c : examples.classes) place[c] = 0;
    for (std::size_t c = 0; c < num_classes; ++c) {
      if (place[c] < 0) continue;
      place[c] = index(present.size());
      present.push_back(c);
    }
    for (const std::size_t c : examples.classes) classes.push_back(place[c]);
    const Eigen::Map<const Vector> w(weights.data(), index(weights.size()));
    const View raw = view_of(examples.features);
    mean = raw.transpose() * w / total;
    const RowMajor centred = raw.rowwise() - mean.transpose();
    axes = principal_axes(w.array().sqrt().matrix().asDiagonal() * centred);
    features = centred * axes.directions;
    if (examples.offsets.rows > 0) {
      offsets.resize(features.rows(), index(present.size()));
      for (std::size_t k = 0; k < present.size(); ++k) {
        offsets.col(index(k)) = view_of(examples.offsets).col(index(present[k]));
      }
    }
    last.assign(present.size() * (static_cast<std::size_t>(features.cols()) + 1), 0.0);
  }

  /// The mean loss and its gradient, so that tolerances mean the same for any number of examples. Examples pass in
  /// blocks, so that their scores and features stay in the cache between the product forward and the one backward.
  [[nodiscard]] double value(std::span<const double> x, std::span<double> gradient, double penalty) const {
    const Eigen::Index c = index(present.size());
    const Eigen::Index r = features.cols();
    const View weight(x.data(), c, r);
    Eigen::Map<RowMajor> weight_gradient(gradient.data(), c, r);
    weight_gradient = penalty * weight;
    Eigen::Map<Vector> bias_gradient(gradient.data() + c * r, c);
    bias_gradient.setZero();
    double loss = 0;
    for (Eigen::Index first = 0; first < features.rows(); first += kBlock) {
      const Eigen::Index count = std::min(kBlock, features.rows() - first);
      RowMajor scores = scores_of_block(x, first, count);  // [count, present]
      loss += softmax_loss(scores, classes.data() + first, weights.data() + first);
      for (Eigen::Index i = 0; i < count; ++i) {
        scores(i, classes[static_cast<std::size_t>(first + i)]) -= 1;
        scores.row(i) *= weights[static_cast<std::size_t>(first + i)] / total;
      }
      add_product_on_one_thread(product_view(scores, 0, count).transposed(), product_view(features, first, count), Sign::kAny,
                  gradient.data(), static_cast<std::size_t>(r));
      bias_gradient += scores.colwise().sum().transpose();
    }
    return loss / total + 0.5 * penalty * weight.squaredNorm();
  }

  /// @return  [count, present]
  [[nodiscard]] RowMajor scores_of_block(std::span<const double> x, Eigen::Index first, Eigen::Index count) const {
    const auto c = static_cast<Eigen::Index>(present.size());
    const auto r = static_cast<std::size_t>(features.cols());
    RowMajor scores(count, c);
    scores.rowwise() = Eigen::Map<const Vector>(x.data() + c * features.cols(), c).transpose();
    if (offsets.size() > 0) scores += offsets.middleRows(first, count);
    const ViewF64 weight{x.data(), present.size(), r, r};
    add_product_on_one_thread(product_view(features, first, count), weight.transposed(), Sign::kAny, scores.data(), present.size());
    return scores;
  }

  /// One over the Hessian's diagonal where all classes are equally probable.
  [[nodiscard]] std::vector<double> scale(double penalty) const {
    const double share = 1 / static_cast<double>(present.size());
    const double bend = share * (1 - share);
    std::vector<double> scale;
    scale.reserve(last.size());
    for (std::size_t c = 0; c < present.size(); ++c) {
      for (const double sum : axes.sums) scale.push_back(1 / (bend * sum / total + penalty));
    }
    scale.resize(last.size(), 1 / bend);
    return scale;
  }

  /// Back from the principal axes.
  [[nodiscard]] LinearHead head() const {
    constexpr double kNever = -1e4;  // of a class without examples: its probability is 0 to the last digit
    const auto width = static_cast<std::size_t>(mean.size());
    LinearHead head{{num_classes, width}, std::vector<double>(num_classes, kNever)};
    const Eigen::Index c = index(present.size());
    const RowMajor weight = View(last.data(), c, features.cols()) * axes.directions.transpose();
    for (Eigen::Index k = 0; k < c; ++k) {
      const std::size_t own = present[static_cast<std::size_t>(k)];
      std::copy_n(weight.row(k).data(), width, head.weight.row(own).begin());
      head.bias[own] = last[static_cast<std::size_t>(c * features.cols() + k)] - weight.row(k).dot(mean);
    }
    return head;
  }
};

LogisticRegression::LogisticRegression(const Examples& examples) : impl_(std::make_unique<Impl>(examples)) {}
LogisticRegression::~LogisticRegression() = default;
LogisticRegression::LogisticRegression(LogisticRegression&&) noexcept = default;
LogisticRegression& LogisticRegression::operator=(LogisticRegression&&) noexcept = default;

LinearHead LogisticRegression::fit(double c, double tolerance) {
  const double penalty = 1 / (c * impl_->total);
  const Objective objective = [&](std::span<const double> x, std::span<double> gradient) {
    return impl_->value(x, gradient, penalty);
  };
  Minimum minimum = minimise(objective, impl_->last, {.tolerance = tolerance, .scale = impl_->scale(penalty)});
  impl_->last = std::move(minimum.x);
  impl_->evaluations += minimum.evaluations;
  return impl_->head();
}

std::size_t LogisticRegression::evaluations() const noexcept {
  return impl_->evaluations;
}

double logistic_objective(const Examples& examples, const LinearHead& head, double c) {
  const Matrix scores = scores_of(head, examples);
  double sum = 0;
  for (std::size_t i = 0; i < scores.rows; ++i) {
    const auto row = scores.row(i);
    const double most = *std::ranges::max_element(row);
    double exponentials = 0;
    for (const double score : row) exponentials += std::exp(score - most);
    sum += examples.weights[i] * (std::log(exponentials) + most - row[examples.classes[i]]);
  }
  const double squares =
      std::inner_product(head.weight.values.begin(), head.weight.values.end(), head.weight.values.begin(), 0.0);
  return sum + squares / (2 * c);
}

Scaling scaling_of(const Matrix& features) {
  const auto count = static_cast<double>(std::max<std::size_t>(features.rows, 1));
  Scaling scaling{std::vector<double>(features.cols), std::vector<double>(features.cols)};
  for (std::size_t i = 0; i < features.rows; ++i) {
    for (std::size_t j = 0; j < features.cols; ++j) scaling.mean[j] += features.row(i)[j] / count;
  }
  for (std::size_t i = 0; i < features.rows; ++i) {
    for (std::size_t j = 0; j < features.cols; ++j) {
      const double off = features.row(i)[j] - scaling.mean[j];
      scaling.scale[j] += off * off / count;
    }
  }
  for (std::size_t j = 0; j < features.cols; ++j) {
    const double deviation = std::sqrt(scaling.scale[j]);
    scaling.scale[j] = deviation > 1e-9 * std::fabs(scaling.mean[j]) && deviation > 0 ? deviation : 1.0;
  }
  return scaling;
}

Matrix scaled(Matrix features, const Scaling& scaling) {
  for (std::size_t i = 0; i < features.rows; ++i) {
    const auto row = features.row(i);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = (row[j] - scaling.mean[j]) / scaling.scale[j];
  }
  return features;
}

LinearHead unscaled(LinearHead head, const Scaling& scaling) {
  for (std::size_t c = 0; c < head.weight.rows; ++c) {
    const auto row = head.weight.row(c);
    for (std::size_t j = 0; j < row.size(); ++j) {
      row[j] /= scaling.scale[j];
      head.bias[c] -= row[j] * scaling.mean[j];
    }
  }
  return head;
}

}  // namespace fovea::learn
