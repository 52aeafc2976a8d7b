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
  double macro_f1 = 0;     // mean F1 over the classes that have examples
  double weighted_f1 = 0;  // weighted by support
};

/// What is counted of one class.
struct ClassCounts {
  std::size_t support = 0;    // examples
  std::size_t predicted = 0;  // examples that were taken for it
  std::size_t right = 0;      // both
};
void count_example(std::span<ClassCounts> counts, std::size_t truth, std::size_t predicted);
[[nodiscard]] std::vector<ClassCounts> counts_of(std::span<const std::size_t> truth,
                                                 std::span<const std::size_t> predicted, std::size_t num_classes);
[[nodiscard]] std::vector<ClassScore> class_scores(std::span<const ClassCounts> counts);
[[nodiscard]] Accuracy accuracy_of(std::span<const ClassCounts> counts);

/// [C, C]: row: the true class, column: the predicted one
using Confusion = std::vector<std::vector<std::size_t>>;
[[nodiscard]] Confusion confusion_of(std::span<const std::size_t> truth, std::span<const std::size_t> predicted,
                                     std::size_t num_classes);
[[nodiscard]] std::vector<ClassScore> class_scores(const Confusion& confusion);
[[nodiscard]] Accuracy accuracy_of(const Confusion& confusion);

/// The class of the largest number in each row.
[[nodiscard]] std::vector<std::size_t> predictions_of(const Matrix& scores);

/// -log p of the true class; p is cut off at the smallest step of a double, as in scikit-learn.
[[nodiscard]] double surprise(double probability);
/// Mean of surprise(p[class]).
/// @param probabilities  [n, C]
[[nodiscard]] double log_loss(const Matrix& probabilities, std::span<const std::size_t> classes);
/// Mean of Σ (p − [class])²: 0 to 2.
[[nodiscard]] double brier_score(const Matrix& probabilities, std::span<const std::size_t> classes);
/// The area under precision over recall, in steps: Σ (R[k] − R[k−1]) · P[k], k over the distinct probabilities of a
/// class, from the largest on. 0 for a class without examples.
[[nodiscard]] double average_precision(const Matrix& probabilities, std::span<const std::size_t> classes,
                                       std::size_t of);
/// The share of pairs in which the second group's number is the larger one; half for equals.
[[nodiscard]] double roc_area(std::span<const double> first, std::span<const double> second);

}  // namespace fovea::learn
