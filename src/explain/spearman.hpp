// How alike two maps rank their patches.
#pragma once

#include <span>
#include <vector>

namespace fovea {

/// Ranks from 1, smallest first; equal values share the average of their ranks. Not for NaN.
[[nodiscard]] std::vector<double> average_ranks(std::span<const float> values);

/// Spearman's rank correlation, -1..1: Pearson's of the average ranks, as scipy.stats.spearmanr computes it.
/// @return        NaN where it is undefined: under two values, all values of one side equal, or any value NaN.
/// @throws Error  kShape if the sizes differ.
[[nodiscard]] double spearman(std::span<const float> a, std::span<const float> b);

}  // namespace fovea
