// Eigenvalues of symmetric matrices. Compiled once, because Eigen's solver is the largest template of this folder.
#pragma once

#include <Eigen/Core>

namespace fovea::learn {

struct SymmetricEigen {
  Eigen::VectorXd values;   // [n], rising
  Eigen::MatrixXd vectors;  // [n, n], a column each, orthonormal
};

/// @param matrix  [n, n], of which the lower triangle is read
[[nodiscard]] SymmetricEigen symmetric_eigen(const Eigen::MatrixXd& matrix);

}  // namespace fovea::learn
