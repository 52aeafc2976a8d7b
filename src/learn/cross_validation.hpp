// Out-of-fold scores: of each picture by a head that has not learned from it, nor from its near-duplicates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "learn/folds.hpp"
#include "learn/logistic.hpp"

namespace fovea::learn {

/// What one strength of the penalty comes to, out of fold.
struct PathPoint {
  double c = 0;                    // LogisticRegression::fit()'s; larger is weaker
  double loss = 0;                 // mean log-loss, at the temperature that suits these scores best
  double error = 0;                // standard error, over folds, of how much that is above the least one
  std::vector<double> folds = {};  // the loss of each fold
};

inline constexpr double kUsualC = 0.003;

struct CrossValidation {
  std::vector<PathPoint> path;        // rising C
  double c = 0;                       // the chosen one
  std::vector<std::size_t> measured;  // examples that some fold holds out, rising
  Matrix scores;                      // [measured, C] out of fold, with the chosen C
};

/// Walks C from 1e-6 up in quarters of a decade, until the out-of-fold loss has not improved for two decades. Takes the
/// smallest C whose loss is within one standard error of the least (Hastie, Tibshirani, Friedman 2009, section 7.10).
/// The error is that of the difference, fold by fold: folds differ far more among each other than neighbouring C do.
/// Folds run on all threads; the result does not depend on how many there are. Without two folds nothing is compared: C
/// is kUsualC, and no example is measured.
/// @param examples  unscaled; each fold scales them by what it learns from
[[nodiscard]] CrossValidation cross_validate(const Examples& examples, const std::vector<Split>& splits);

/// The same scores for one known C.
/// @param splits  of each only the training part matters to what is learned
/// @return        for each split [test, C]
[[nodiscard]] std::vector<Matrix> out_of_fold(const Examples& examples, const std::vector<Split>& splits, double c);

inline constexpr double kFoldTolerance = 1e-6;  // of the gradient, for heads that only measure
inline constexpr double kFinalTolerance = 1e-9;

/// One head from all examples, for unscaled features.
[[nodiscard]] LinearHead fit_head(const Examples& examples, double c, double tolerance = kFinalTolerance);

/// Some of the examples; the number of classes stays.
[[nodiscard]] Examples examples_of(const Examples& all, std::span<const std::size_t> chosen);

/// Weights that let each class count the same, n / (classes · examples of the class), or 1 for each example.
[[nodiscard]] std::vector<double> class_weights(std::span<const std::size_t> classes, std::size_t num_classes,
                                                bool balanced);

/// A stratified part of the groups in each training set: at least one group of each class.
[[nodiscard]] std::vector<Split> thinned(const std::vector<Split>& splits, std::span<const std::size_t> classes,
                                         std::span<const std::size_t> groups, double share, std::uint64_t seed);

}  // namespace fovea::learn
