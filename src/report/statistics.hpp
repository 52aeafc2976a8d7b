// Means of a few measurements, and how well they are known.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace fovea {

/// Of all intervals here.
inline constexpr double kConfidence = 0.95;

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

/// How far from 0, to either side, Student's t with this many degrees of freedom stays with probability `level`:
/// 2.776 for 0.95 and 4.
/// @param level    (0, 1)
/// @param degrees  from 1
[[nodiscard]] double student_t_bound(double level, std::size_t degrees);

/// The mean with Student's interval (1908, The Probable Error of a Mean), mean ± t·s/√n: as wide as few values demand,
/// right for values that are about normal, and for others the more there are.
/// @param values  independent of each other; at least 1
[[nodiscard]] Estimate estimate_mean(std::span<const double> values, double level = kConfidence);

}  // namespace fovea
