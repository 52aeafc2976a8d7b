// The minimum of a smooth function: L-BFGS (Nocedal and Wright, Numerical Optimization, algorithms 7.4, 3.5 and 3.6).
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace fovea::learn {

/// @param gradient  overwritten
/// @return          the value at x
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;

struct MinimiseOptions {
  double tolerance = 1e-6;  // of the largest element of the gradient
  std::size_t most_evaluations = 2000;
  /// About one over each diagonal element of the Hessian; empty: all ones. Good scales save most of the evaluations.
  std::vector<double> scale = {};
};

struct Minimum {
  std::vector<double> x;
  double value = 0;
  double gradient = 0;  // its largest element
  std::size_t evaluations = 0;
};

/// Ends where the gradient is below the tolerance, where rounding hides any further descent, or after so many
/// evaluations. Answers an interrupt.
[[nodiscard]] Minimum minimise(const Objective& objective, std::vector<double> start, const MinimiseOptions& options);

}  // namespace fovea::learn
