#include "learn/symmetric_eigen.hpp"

#include <Eigen/Eigenvalues>

namespace fovea::learn {

SymmetricEigen symmetric_eigen(const Eigen::MatrixXd& matrix) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
  return {solver.eigenvalues(), solver.eigenvectors()};
}

}  // namespace fovea::learn
