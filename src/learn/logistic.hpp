// Multinomial logistic regression with an L2 penalty, in double.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "learn/matrix.hpp"

namespace fovea::learn {

/// scores = features · weightᵀ + bias
struct LinearHead {
  Matrix weight;             // [C, D]
  std::vector<double> bias;  // [C]
};
/// @return  [n, C]
[[nodiscard]] Matrix scores_of(const LinearHead& head, const Matrix& features);

/// What to learn from.
struct Examples {
  Matrix features;                   // [n, D]
  std::vector<std::size_t> classes;  // [n], each below `num_classes`
  std::vector<double> weights;       // [n], above 0
  std::size_t num_classes = 0;       // a class without examples gets no weights and a bias of -infinity's stand-in
  Matrix offsets = {};               // [n, C] added to the scores; of what is known before; may be empty
};
/// The scores of these examples, offsets included.
[[nodiscard]] Matrix scores_of(const LinearHead& head, const Examples& examples);

/// min over weight and bias of Σ w·(-log softmax(scores + offsets)[class]) + ‖weight‖² / (2·C), the objective of scikit-learn's
/// LogisticRegression. The bias is not penalised. Features are used as they are: scale them before.
class LogisticRegression {
 public:
  explicit LogisticRegression(const Examples& examples);
  ~LogisticRegression();
  LogisticRegression(LogisticRegression&&) noexcept;
  LogisticRegression& operator=(LogisticRegression&&) noexcept;

  /// Starts from the last fit, so a path of rising C costs little more than its last value.
  /// @param tolerance  of the mean loss's gradient
  [[nodiscard]] LinearHead fit(double c, double tolerance);
  [[nodiscard]] std::size_t evaluations() const noexcept;  // of the objective, over all fits

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The value that fit() minimises.
[[nodiscard]] double logistic_objective(const Examples& examples, const LinearHead& head, double c);

/// How features are brought to mean 0 and deviation 1.
struct Scaling {
  std::vector<double> mean;   // [D]
  std::vector<double> scale;  // [D] the standard deviation; 1 for a feature that is constant
};
[[nodiscard]] Scaling scaling_of(const Matrix& features);
[[nodiscard]] Matrix scaled(Matrix features, const Scaling& scaling);
/// The head that gives on features as they are what `head` gives on scaled ones.
[[nodiscard]] LinearHead unscaled(LinearHead head, const Scaling& scaling);

}  // namespace fovea::learn
