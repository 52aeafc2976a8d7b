#include "learn/audit/false_discovery.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace fovea::learn {

std::vector<double> false_discovery_adjusted(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p_values[i]; });
  std::vector<double> adjusted(p_values.size());
  double least = 1;
  for (std::size_t rank = order.size(); rank > 0; --rank) {  // from the largest p value down
    const double scale = static_cast<double>(order.size()) / static_cast<double>(rank);
    least = std::min(least, p_values[order[rank - 1]] * scale);
    adjusted[order[rank - 1]] = least;
  }
  return adjusted;
}

}  // namespace fovea::learn
