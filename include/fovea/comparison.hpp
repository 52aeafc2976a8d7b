// Which explanation to trust on a set of pictures, in numbers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/faithfulness.hpp"

namespace fovea {

/// Of all intervals here.
inline constexpr double kConfidence = 0.95;

/// What the maps that know nothing are called in a ranking.
inline constexpr std::string_view kRandomMap = "random";
inline constexpr std::string_view kCentreMap = "centre_gaussian";

struct Interval {
  double low = 0;
  double high = 0;
  [[nodiscard]] bool contains(double value) const noexcept { return low <= value && value <= high; }
};

/// A mean, and between what it lies; of one value nothing is known but itself.
struct Estimate {
  double mean = 0;
  std::optional<Interval> interval;
};

/// How alike two maps of a picture rank its patches (Spearman).
struct MapAgreement {
  std::string map;  // the other one, as files are called after it: "generic.32"; of a comparison its method alone
  double correlation = 0;
};

/// A method, or one of the two maps that know nothing, over all pictures.
struct ComparedMethod {
  std::string name;         // "rollout"; of those that know nothing as above
  std::string variant;      // empty of those
  PerturbationAreas areas;  // means
  Estimate gain;            // of insertion less deletion
  /// The share of pictures in which it gains more than the picture's random maps on average; chance is a half. None of
  /// those themselves.
  std::optional<double> beats_random;
  std::optional<Estimate> lead;         // of its gain less the next one's, picture by picture; none of the last
  std::vector<MapAgreement> agreement;  // with the other methods, means; NaN where maps of all pictures are flat

  /// Whether other pictures of the same kind might well rank the next one before it.
  [[nodiscard]] bool tied() const noexcept { return lead && (!lead->interval || lead->interval->contains(0)); }
};

/// Explanation methods by how much more of a class's probability their patches bring than take: by the mean over
/// pictures of insertion less deletion, highest first.
struct Comparison {
  std::size_t pictures = 0;   // that were compared
  std::size_t undefined = 0;  // left out, because the model's probabilities are no numbers
  std::size_t random_maps = 0;
  std::size_t step = 0;                 // patches that go, or come, at a time
  std::vector<ComparedMethod> ranking;  // empty without pictures
};

}  // namespace fovea
