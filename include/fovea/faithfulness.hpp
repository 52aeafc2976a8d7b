// How far a map can be trusted, in numbers.
#pragma once

#include <cstddef>
#include <string_view>

namespace fovea {

/// Areas under the deletion curve (low is good: the class vanishes with the patches) and the insertion curve (high is
/// good).
struct PerturbationAreas {
  double deletion = 0;
  double insertion = 0;
  /// The figure that maps are ranked by.
  [[nodiscard]] double gain() const noexcept { return insertion - deletion; }
};

enum class Verdict { kBetterThanRandom, kNoBetterThanRandom, kWorseThanRandom };
[[nodiscard]] std::string_view name(Verdict verdict) noexcept;  // "better than random"

/// Compares a map with uninformed maps by insertion minus deletion. "Better" and "worse" mean a difference of more than
/// two standard deviations of the random maps.
struct Faithfulness {
  PerturbationAreas map;
  PerturbationAreas random;  // mean over `random_maps` random maps
  PerturbationAreas centre;  // a Gaussian centred in the picture
  std::size_t random_maps = 0;
  std::size_t step = 0;  // patches removed, or inserted, at a time
  Verdict verdict = Verdict::kNoBetterThanRandom;
};

}  // namespace fovea
