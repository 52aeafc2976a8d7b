// When a picture is of none of the classes: which score tells it best, and from which threshold on.
#pragma once

#include <vector>

#include "learn/cross_validation.hpp"
#include "learn/logistic.hpp"
#include "learn/strangeness.hpp"

namespace fovea::learn {

enum class UnknownBy { kEnergy, kDistance };

/// How well unknown pictures are told, out of fold.
struct UnknownChoice {
  UnknownBy by = UnknownBy::kDistance;  // what tells a picture near the classes; far ones are told by their neighbours
  KnownScores known;                    // of pictures that were held out
  double threshold = 0;                 // stranger pictures are unknown
  double rejected = 0;         // share of known pictures above a threshold that comes from the other folds
  double energy_area = 0;      // ROC area of classes that were left out against known pictures; 0.5 says nothing
  double distance_area = 0;    // the same of the distance to the nearest class
  double neighbours_area = 0;  // and to the neighbours
  double caught = 0;           // share of left-out classes' pictures above the threshold
};
/// Leaves out a part of the classes at a time, and takes the score that tells their pictures best from held-out
/// pictures of the others. A left-out class is as like the others as they are like each other. What is like none of them
/// is told by its neighbours, beside that score. Fewer than 3 classes cannot be left out: then the score is the
/// distance, and the areas are 0.
/// @param temperature  that the heads' scores are divided by
/// @param share        of known pictures that may be called unknown
[[nodiscard]] UnknownChoice choose_unknown(const Examples& examples, const std::vector<Split>& splits,
                                           const CrossValidation& heads, double temperature, double share);

}  // namespace fovea::learn
