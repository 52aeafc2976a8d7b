// One number that makes probabilities mean what they say (Guo et al. 2017, arXiv:1706.04599).
#pragma once

#include <cstddef>
#include <span>

#include "learn/matrix.hpp"

namespace fovea::learn {

/// The T for which softmax(scores / T) has the least mean log-loss, between 1e-3 and 1e6. Where n scores are all
/// right the least would be at 0, as if no picture could ever be wrong: so one picture in n + 2 is taken to be of its
/// second class (Platt 1999).
/// @param scores   [n, C], of examples that were not learned from
/// @param classes  [n]
/// @param halvings  of the range, which is 9 decades: 44 give 12 digits
[[nodiscard]] double fit_temperature(const Matrix& scores, std::span<const std::size_t> classes, int halvings = 44);
/// The least and the largest temperature that a fit gives.
inline constexpr double kLeastTemperature = 1e-3;
inline constexpr double kLargestTemperature = 1e6;
/// The same without that care: the T that has the least log-loss on these very scores. Where all are right it is
/// kLeastTemperature, because the loss falls without end.
[[nodiscard]] double least_loss_temperature(const Matrix& scores, std::span<const std::size_t> classes);

/// softmax(scores / temperature) of each row
[[nodiscard]] Matrix probabilities_of(Matrix scores, double temperature);

}  // namespace fovea::learn
