// Means of a few measurements, and their confidence intervals.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace fovea {

/// The confidence level of all intervals here.
inline constexpr double kConfidence = 0.95;

struct Interval {
  double low = 0;
  double high = 0;
  [[nodiscard]] bool contains(double value) const noexcept { return low <= value && value <= high; }
};

/// A mean and its confidence interval. A single value has no interval.
struct Estimate {
  double mean = 0;
  std::optional<Interval> interval;
};

/// "+0.411 to +0.502"; empty without an interval.
[[nodiscard]] std::string range_text(const Estimate& estimate);

/// The bound that |t| stays below with probability `level`, for Student's t with this many degrees of freedom: 2.776
/// for level 0.95 and 4 degrees.
/// @param level    (0, 1)
/// @param degrees  at least 1
[[nodiscard]] double student_t_bound(double level, std::size_t degrees);

/// The mean with Student's interval (1908, The Probable Error of a Mean), mean ± t·s/√n. The interval accounts for how
/// few values there are. It is exact for normally distributed values; for other distributions it gets better with their
/// number.
/// @param values  independent of each other; at least 1
[[nodiscard]] Estimate estimate_mean(std::span<const double> values, double level = kConfidence);

}  // namespace fovea
