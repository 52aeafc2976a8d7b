#include "learn/strangeness.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea::learn {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<const RowMajor>;

View view_of(const Matrix& m) {
  return {m.values.data(), static_cast<Eigen::Index>(m.rows), static_cast<Eigen::Index>(m.cols)};
}

Matrix matrix_of(const RowMajor& m) {
  Matrix matrix{static_cast<std::size_t>(m.rows()), static_cast<std::size_t>(m.cols())};
  std::copy_n(m.data(), m.size(), matrix.values.begin());
  return matrix;
}

/// The within-class covariance, shrunk.
/// @param x  [n, D] each row less the mean of its class
Eigen::MatrixXd shrunk_covariance(const RowMajor& x) {
  const auto n = static_cast<double>(x.rows());
  const auto width = static_cast<double>(x.cols());
  Eigen::MatrixXd covariance = x.transpose() * x / n;
  const double size = covariance.trace() / width;
  Eigen::MatrixXd off = covariance;
  off.diagonal().array() -= size;
  const double spread = off.squaredNorm();
  double noise = 0;  // Σ ‖x xᵀ − covariance‖² / n² = (Σ ‖x‖⁴ / n − ‖covariance‖²) / n
  for (Eigen::Index i = 0; i < x.rows(); ++i) noise += std::pow(x.row(i).squaredNorm(), 2) / n;
  noise = (noise - covariance.squaredNorm()) / n;
  const double share = spread > 0 ? std::clamp(noise / spread, 0.0, 1.0) : 1.0;
  covariance *= 1 - share;
  covariance.diagonal().array() += share * size + 1e-12 * size + std::numeric_limits<double>::min();
  return covariance;
}

double share_below(const std::vector<double>& rising, double value) {
  const auto below = std::ranges::lower_bound(rising, value) - rising.begin();
  return rising.empty() ? 0.0 : static_cast<double>(below) / static_cast<double>(rising.size());
}

}  // namespace

double energy(std::span<const double> scores) {
  const double most = *std::ranges::max_element(scores);
  double sum = 0;
  for (const double value : scores) sum += std::exp(value - most);
  return -most - std::log(sum);
}

ClassBalls fit_balls(const Examples& examples) {
  const View features = view_of(examples.features);
  RowMajor means = RowMajor::Zero(static_cast<Eigen::Index>(examples.num_classes), features.cols());
  Eigen::VectorXd counts = Eigen::VectorXd::Zero(means.rows());
  for (std::size_t i = 0; i < examples.classes.size(); ++i) {
    const auto c = static_cast<Eigen::Index>(examples.classes[i]);
    means.row(c) += features.row(static_cast<Eigen::Index>(i));
    ++counts[c];
  }
  for (Eigen::Index c = 0; c < means.rows(); ++c) means.row(c) /= std::max(counts[c], 1.0);
  RowMajor off(features.rows(), features.cols());
  for (Eigen::Index i = 0; i < off.rows(); ++i) {
    off.row(i) = features.row(i) - means.row(static_cast<Eigen::Index>(examples.classes[static_cast<std::size_t>(i)]));
  }
  // With the covariance L Lᵀ, the distance is the length of L⁻¹ (x − mean).
  const Eigen::MatrixXd covariance = shrunk_covariance(off);
  const Eigen::LLT<Eigen::MatrixXd> cholesky(covariance);
  const RowMajor projection = cholesky.matrixL().solve(Eigen::MatrixXd::Identity(covariance.rows(), covariance.cols()));
  RowMajor centres = means * projection.transpose();
  for (Eigen::Index c = 0; c < centres.rows(); ++c) {
    if (counts[c] == 0) centres.row(c).setConstant(std::numeric_limits<double>::infinity());
  }
  return {matrix_of(projection), matrix_of(centres)};
}

double distance(const ClassBalls& balls, std::span<const double> features) {
  const Eigen::Map<const Eigen::VectorXd> x(features.data(), static_cast<Eigen::Index>(features.size()));
  const Eigen::VectorXd place = view_of(balls.projection) * x;
  const auto squares = (view_of(balls.centres).rowwise() - place.transpose()).rowwise().squaredNorm();
  return squares.minCoeff() / static_cast<double>(place.size());
}

Neighbours fit_neighbours(const Examples& examples) {
  RowMajor directions = view_of(examples.features);
  for (Eigen::Index i = 0; i < directions.rows(); ++i) directions.row(i).stableNormalize();  // 0 stays 0
  return {matrix_of(directions)};
}

double distance(const Neighbours& neighbours, std::span<const double> features) {
  Eigen::VectorXd direction =
      Eigen::Map<const Eigen::VectorXd>(features.data(), static_cast<Eigen::Index>(features.size()));
  direction.stableNormalize();
  const Eigen::VectorXd cosines = view_of(neighbours.directions) * direction;
  std::vector<double> falling(cosines.begin(), cosines.end());
  if (falling.empty()) return std::numeric_limits<double>::infinity();
  const std::size_t nth = std::min(Neighbours::kNth, falling.size()) - 1;
  std::ranges::nth_element(falling, falling.begin() + static_cast<std::ptrdiff_t>(nth), std::ranges::greater{});
  return 1 - falling[nth];
}

double strangeness(const KnownScores& known, double near, double far) {
  return std::max(share_below(known.near, near), share_below(known.far, far));
}

}  // namespace fovea::learn
