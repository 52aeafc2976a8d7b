#include "learn/temperature.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace fovea::learn {
namespace {

/// Softmax in place.
void softmax(std::span<double> row, double factor) {
  const double most = *std::ranges::max_element(row);
  double sum = 0;
  for (double& value : row) {
    value = std::exp((value - most) * factor);
    sum += value;
  }
  for (double& value : row) value /= sum;
}

/// The largest score of any other class.
double runner_up(std::span<const double> row, std::size_t own) {
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (c != own) most = std::max(most, row[c]);
  }
  return most;
}

/// The slope of the summed log-loss in the inverse temperature: Σ (mean score − expected score). It rises.
/// @param wrong  the share of each example that is taken to be of its second class
double slope(const Matrix& scores, std::span<const std::size_t> classes, double wrong, double inverse) {
  double total = 0;
  std::vector<double> p;
  for (std::size_t i = 0; i < scores.rows; ++i) {
    const auto row = scores.row(i);
    p.assign(row.begin(), row.end());
    softmax(p, inverse);
    for (std::size_t c = 0; c < p.size(); ++c) total += p[c] * row[c];
    const double own = row[classes[i]];
    total -= wrong == 0 ? own : own + wrong * (runner_up(row, classes[i]) - own);
  }
  return total;
}

/// The loss is convex in the inverse temperature, so bisection of its slope finds the one minimum.
double bisect(const Matrix& scores, std::span<const std::size_t> classes, double wrong, int halvings) {
  double low = -std::log(kLargestTemperature);
  double high = -std::log(kLeastTemperature);
  for (int i = 0; i < halvings; ++i) {
    const double middle = 0.5 * (low + high);
    (slope(scores, classes, wrong, std::exp(middle)) < 0 ? low : high) = middle;
  }
  return std::exp(-0.5 * (low + high));
}

}  // namespace

double fit_temperature(const Matrix& scores, std::span<const std::size_t> classes, int halvings) {
  return bisect(scores, classes, 1 / (static_cast<double>(scores.rows) + 2), halvings);
}

double least_loss_temperature(const Matrix& scores, std::span<const std::size_t> classes) {
  constexpr int kHalvings = 44;
  bool all_right = true;
  for (std::size_t i = 0; i < scores.rows && all_right; ++i) {
    all_right = scores.row(i)[classes[i]] >= *std::ranges::max_element(scores.row(i));
  }
  if (all_right) return kLeastTemperature;  // the slope would be rounded to 0 long before
  return bisect(scores, classes, 0, kHalvings);
}

Matrix probabilities_of(Matrix scores, double temperature) {
  for (std::size_t i = 0; i < scores.rows; ++i) softmax(scores.row(i), 1 / temperature);
  return scores;
}

}  // namespace fovea::learn
