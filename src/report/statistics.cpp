#include "report/statistics.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <numeric>

namespace fovea {
namespace {

/// The probability that |t| is at most √degrees · tan(angle) (Abramowitz & Stegun, 26.7.3 and 26.7.4).
double student_t_within(double angle, std::size_t degrees) {
  const double cosine = std::cos(angle);
  const bool odd = degrees % 2 == 1;
  double term = odd ? cosine : 1.0;
  double sum = degrees > 1 ? term : 0.0;
  for (std::size_t i = odd ? 3 : 2; i + 1 < degrees; i += 2) {
    const auto k = static_cast<double>(i);
    term *= (k - 1) / k * cosine * cosine;
    sum += term;
  }
  const double part = std::sin(angle) * sum;
  return odd ? 2 / std::numbers::pi * (angle + part) : part;
}

}  // namespace

std::string range_text(const Estimate& estimate) {
  return estimate.interval ? fmt::format("{:+.3f} to {:+.3f}", estimate.interval->low, estimate.interval->high) : "";
}

double student_t_bound(double level, std::size_t degrees) {
  double low = 0;
  double high = std::numbers::pi / 2;
  while (true) {  // until no double lies between the two
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return std::sqrt(static_cast<double>(degrees)) * std::tan(middle);
    (student_t_within(middle, degrees) < level ? low : high) = middle;
  }
}

Estimate estimate_mean(std::span<const double> values, double level) {
  const auto count = static_cast<double>(values.size());
  Estimate estimate;
  estimate.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  if (values.size() < 2) return estimate;
  double squares = 0;
  for (const double value : values) squares += (value - estimate.mean) * (value - estimate.mean);
  const double error = std::sqrt(squares / (count - 1) / count);
  const double half = student_t_bound(level, values.size() - 1) * error;
  estimate.interval = Interval{estimate.mean - half, estimate.mean + half};
  return estimate;
}

}  // namespace fovea
