// Round clusters of points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "learn/matrix.hpp"

namespace fovea::learn {

/// k-means from ten k-means++ starts (Arthur and Vassilvitskii 2007), the tightest of them.
/// @return  [n] the cluster of each row; cluster 0 is the largest, and of equal ones the one with the earlier row
[[nodiscard]] std::vector<std::size_t> k_means(const Matrix& points, std::size_t clusters, std::uint64_t seed);

}  // namespace fovea::learn
