// Many tests at once: how many of the findings may be chance.
#pragma once

#include <span>
#include <vector>

namespace fovea::learn {

/// Benjamini's and Hochberg's (1995) adjusted p values: the smallest share of false findings at which each is still
/// one. min over j ≥ i of p(j)·m/j, p rising, at most 1; equal to scipy's false_discovery_control().
/// @param p_values  [m] each 0 to 1, of all tests that were made, also of those that found nothing
/// @return          [m] in the same order
[[nodiscard]] std::vector<double> false_discovery_adjusted(std::span<const double> p_values);

}  // namespace fovea::learn
