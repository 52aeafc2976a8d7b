// How far a map can be trusted, in numbers.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace fovea {

/// What becomes of a patch that is taken away.
enum class Substrate {
  kPaint,  // it is painted: in the mean colour, and where insertion begins, blurred
  kDrop,   // its token is left out, so nothing that the model never saw takes its place
};
[[nodiscard]] std::string_view name(Substrate substrate) noexcept;  // "paint"

/// Areas under the deletion curve (low is good: the class vanishes with the patches) and the insertion curve (high is
/// good).
struct PerturbationAreas {
  double deletion = 0;
  double insertion = 0;
  /// Deletion in the opposite order (high is good). None for random maps: a random order run backwards is another one.
  std::optional<double> least_first = {};
  /// The symmetric relevance gain (Achtibat et al. 2024): how much the order matters, whatever deleting itself does.
  [[nodiscard]] std::optional<double> srg() const noexcept {
    return least_first ? std::optional(*least_first - deletion) : std::nullopt;
  }
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
  Substrate substrate = Substrate::kPaint;
  std::size_t random_maps = 0;
  std::size_t step = 0;  // patches removed, or inserted, at a time
  Verdict verdict = Verdict::kNoBetterThanRandom;
};

/// Patch tokens that stand out as registers do: they hold notes about the whole picture in place of their patch, and
/// attract attention for it (Darcet et al. 2024, Vision Transformers Need Registers).
struct OutlierTokens {
  std::size_t patches = 0;  // how many stand out
  std::size_t of = 0;       // of so many
  double largest = 0;       // the largest norm, as a multiple of the median
};

}  // namespace fovea
