// Measures how similarly two maps rank their patches.
#pragma once

#include <span>
#include <vector>

namespace fovea {

/// Ranks from 1, smallest first. Equal values share the mean of their ranks. Values must not be NaN.
[[nodiscard]] std::vector<double> average_ranks(std::span<const float> values);

/// Spearman's rank correlation, -1..1: Pearson's correlation of the average ranks, as in scipy.stats.spearmanr.
/// @return        NaN if it is undefined: fewer than two values, all values equal on one side, or any value NaN.
/// @throws Error  kShape if the sizes differ.
[[nodiscard]] double spearman(std::span<const float> a, std::span<const float> b);

}  // namespace fovea
