// How sure a measured share is: the bootstrap, which draws whole groups, because pictures of one group are not
// independent of each other (Efron and Tibshirani 1993, chapter 13).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "learn/metrics.hpp"

namespace fovea::learn {

/// 95 %
struct Interval {
  double low = 0;
  double high = 0;
};

/// Predictions of examples that were not learned from.
struct Outcomes {
  std::span<const std::size_t> truth;
  std::span<const std::size_t> predicted;
  std::span<const std::size_t> groups;
  std::size_t num_classes = 0;
};

struct AccuracyIntervals {
  Interval top1;
  Interval balanced;
  Interval macro_f1;
  Interval weighted_f1;
};
[[nodiscard]] AccuracyIntervals bootstrap(const Outcomes& outcomes, std::uint64_t seed);

/// The interval of the difference in top-1, `better` less `other`, over the same examples.
/// @param other  [n] the other predictions
[[nodiscard]] Interval bootstrap_difference(const Outcomes& better, std::span<const std::size_t> other,
                                            std::uint64_t seed);

/// The interval of the mean of one value for each example.
[[nodiscard]] Interval bootstrap_mean(std::span<const double> values, std::span<const std::size_t> groups,
                                      std::uint64_t seed);

/// Wilson's score interval of a share (1927), for examples that are independent of each other. It holds for few
/// examples and for shares near 0 and 1, where the bootstrap's is too short. Without examples it is [0, 1].
[[nodiscard]] Interval wilson(std::size_t hits, std::size_t count);

}  // namespace fovea::learn
