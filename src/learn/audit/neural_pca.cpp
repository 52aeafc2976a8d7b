#include "learn/audit/neural_pca.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "learn/symmetric_eigen.hpp"

namespace fovea::learn {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::Map<const Eigen::RowVectorXd>;

Row row_of(std::span<const double> values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

/// The right singular vectors of the centred rows, the largest first: from the smaller of x xᵀ and xᵀ x.
/// @return  [m, D]
RowMajor principal(const RowMajor& x, Eigen::Index count) {
  if (x.rows() >= x.cols()) {
    return symmetric_eigen(x.transpose() * x).vectors.rowwise().reverse().leftCols(count).transpose();
  }
  return symmetric_eigen(x * x.transpose()).vectors.rowwise().reverse().leftCols(count).transpose() * x;
}

double sum_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

ClassDirections neural_pca(const LinearHead& head, std::size_t of_class, const Matrix& features, std::size_t most) {
  const auto n = static_cast<Eigen::Index>(features.rows);
  const auto width = static_cast<Eigen::Index>(features.cols);
  RowMajor psi = Eigen::Map<const RowMajor>(features.values.data(), n, width);
  psi.array().rowwise() *= row_of(head.weight.row(of_class)).array();
  const Eigen::RowVectorXd mean = psi.colwise().mean();
  psi.rowwise() -= mean;
  RowMajor directions = principal(psi, std::min({static_cast<Eigen::Index>(most), n - 1, width}));
  ClassDirections result{of_class, {mean.data(), mean.data() + mean.size()}, Matrix{0, features.cols, {}}, {}};
  const double nothing = 1e-12 * psi.norm();  // a direction that no picture leaves the mean along
  for (Eigen::Index k = 0; k < directions.rows(); ++k) {
    const double length = directions.row(k).norm();
    if (length <= nothing) break;
    directions.row(k) *= (directions.row(k).sum() < 0 ? -1 : 1) / length;
    const double variance = (psi * directions.row(k).transpose()).squaredNorm() / static_cast<double>(n - 1);
    if (variance <= nothing * nothing) break;
    result.variances.push_back(variance);
    result.directions.values.insert(result.directions.values.end(), directions.row(k).data(),
                                    directions.row(k).data() + width);
    ++result.directions.rows;
  }
  return result;
}

double contribution(const LinearHead& head, const ClassDirections& directions, std::size_t k,
                    std::span<const double> features) {
  const auto weight = head.weight.row(directions.of_class);
  const auto direction = directions.directions.row(k);
  double along = 0;
  for (std::size_t j = 0; j < features.size(); ++j) {
    along += (weight[j] * features[j] - directions.mean[j]) * direction[j];
  }
  return sum_of(direction) * along;
}

LinearHead without_direction(LinearHead head, const ClassDirections& directions, std::size_t k) {
  const auto weight = head.weight.row(directions.of_class);
  const auto direction = directions.directions.row(k);
  const double sum = sum_of(direction);
  for (std::size_t j = 0; j < weight.size(); ++j) {
    weight[j] *= 1 - sum * direction[j];
    head.bias[directions.of_class] += sum * directions.mean[j] * direction[j];
  }
  return head;
}

}  // namespace fovea::learn
