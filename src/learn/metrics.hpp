// How good predictions are: the definitions are those of scikit-learn and torchmetrics.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "learn/matrix.hpp"

namespace fovea::learn {

struct ClassScore {
  double precision = 0;     // 0 where the class was never predicted
  double recall = 0;        // 0 without examples
  double f1 = 0;            // 0 where both are 0
  std::size_t support = 0;  // examples
};

/// What a table of true and predicted classes says.
struct Accuracy {
  double top1 = 0;         // share of examples that are right
  double balanced = 0;     // mean recall over the classes that have examples
  double macro_f1 = 0;     // mean F1 over the classes that have examples or predictions
  double weighted_f1 = 0;  // weighted by support
};

/// [C, C]: row: the true class, column: the predicted one
using Confusion = std::vector<std::vector<std::size_t>>;
[[nodiscard]] Confusion confusion_of(std::span<const std::size_t> truth, std::span<const std::size_t> predicted,
                                     std::size_t num_classes);
[[nodiscard]] std::vector<ClassScore> class_scores(const Confusion& confusion);
[[nodiscard]] Accuracy accuracy_of(const Confusion& confusion);

/// The class of the largest number in each row.
[[nodiscard]] std::vector<std::size_t> predictions_of(const Matrix& scores);

/// Mean of -log p[class]; probabilities are cut off at the smallest step of a double, as in scikit-learn.
/// @param probabilities  [n, C]
[[nodiscard]] double log_loss(const Matrix& probabilities, std::span<const std::size_t> classes);
/// Mean of Σ (p − [class])²: 0 to 2.
[[nodiscard]] double brier_score(const Matrix& probabilities, std::span<const std::size_t> classes);
/// Expected calibration error of the best class: 15 bins of equal width, weighted by their size.
[[nodiscard]] double calibration_error(const Matrix& probabilities, std::span<const std::size_t> classes);
/// The share of pairs in which the second group's number is the larger one; half for equals.
[[nodiscard]] double roc_area(std::span<const double> first, std::span<const double> second);

}  // namespace fovea::learn
