// How strange a picture is to a set of learned classes: three scores, each larger for a stranger picture.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "learn/logistic.hpp"

namespace fovea::learn {

/// The free energy of the scores, -log Σ exp(score) (Liu et al. 2020, arXiv:2010.03759).
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

/// How far a picture lies from all that was learned from: the distance to the k-th nearest example, as 1 less the cosine
/// of the features (Sun et al. 2022, arXiv:2204.06507).
struct Neighbours {
  static constexpr std::size_t kNth = 5;
  Matrix directions;  // [n, D] of length 1; the order of rows does not matter
};
[[nodiscard]] Neighbours fit_neighbours(const Examples& examples);
/// The farthest one where there are fewer than kNth.
[[nodiscard]] double distance(const Neighbours& neighbours, std::span<const double> features);

/// What held-out pictures of the classes came to, in two ways of being strange: near to the classes and yet of none, and
/// far from everything.
struct KnownScores {
  std::vector<double> near;  // rising; energy or distance to the balls
  std::vector<double> far;   // rising; distance to the neighbours
};
/// The share of the known pictures that are less strange, in the way that has more of them: 0 to 1.
[[nodiscard]] double strangeness(const KnownScores& known, double near, double far);

}  // namespace fovea::learn
