// Whether a picture is of none of the classes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "learn/cross_validation.hpp"
#include "learn/logistic.hpp"

namespace fovea::learn {

/// The free energy of the scores, -log Σ exp(score) (Liu et al. 2020, arXiv:2010.03759): larger is stranger.
[[nodiscard]] double energy(std::span<const double> scores);

/// How far a picture's features lie from the nearest class, in units in which each class is a ball: the Mahalanobis
/// distance with one covariance for all classes (Lee et al. 2018, arXiv:1807.03888), which is shrunk towards a multiple
/// of the identity (Ledoit and Wolf 2004), because pictures are few.
struct ClassBalls {
  Matrix projection;  // [r, D] from features to the balls' space
  Matrix centres;     // [C, r]; a class without examples is infinitely far
};
[[nodiscard]] ClassBalls fit_balls(const Examples& examples);
/// The squared distance to the nearest centre, divided by r: about 1 for a picture of a class.
[[nodiscard]] double distance(const ClassBalls& balls, std::span<const double> features);

enum class UnknownBy { kEnergy, kDistance };

/// How well unknown pictures are told, out of fold.
struct UnknownChoice {
  UnknownBy by = UnknownBy::kDistance;
  double threshold = 0;      // scores above it are unknown
  double rejected = 0;       // share of known pictures above a threshold that comes from the other folds
  double energy_area = 0;    // ROC area of classes that were left out against known pictures; 0.5 says nothing
  double distance_area = 0;  // the same of the distance
  double caught = 0;         // share of left-out classes' pictures above the threshold
};
/// Leaves out a part of the classes at a time, and takes the score that tells their pictures best from held-out
/// pictures of the others. Fewer than 3 classes cannot be left out: then it is the distance, and the areas are 0.
/// @param temperature  that the heads' scores are divided by
/// @param share        of known pictures that may be called unknown
[[nodiscard]] UnknownChoice choose_unknown(const Examples& examples, const std::vector<Split>& splits,
                                           const CrossValidation& heads, double temperature, double share);

}  // namespace fovea::learn
