// How far a map can be trusted, in numbers.
#pragma once

#include <cstddef>
#include <string_view>

namespace fovea {

/// Areas under the curves of deletion (low is good: the class goes with the patches) and insertion (high is good).
struct PerturbationAreas {
  double deletion = 0;
  double insertion = 0;
  /// What maps are ranked by.
  [[nodiscard]] double gain() const noexcept { return insertion - deletion; }
};

enum class Verdict { kBetterThanRandom, kNoBetterThanRandom, kWorseThanRandom };
[[nodiscard]] std::string_view name(Verdict verdict) noexcept;  // "better than random"

/// How a map fares against maps that know nothing, by insertion less deletion. Better and worse mean by more than two
/// standard deviations of the random maps.
struct Faithfulness {
  PerturbationAreas map;
  PerturbationAreas random;  // the mean of `random_maps` random maps
  PerturbationAreas centre;  // of a Gaussian in the middle
  std::size_t random_maps = 0;
  std::size_t step = 0;  // patches that go, or come, at a time
  Verdict verdict = Verdict::kNoBetterThanRandom;
};

}  // namespace fovea
