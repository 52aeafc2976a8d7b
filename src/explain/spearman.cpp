#include "explain/spearman.hpp"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "fovea/error.hpp"

namespace fovea {

std::vector<double> average_ranks(std::span<const float> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first + 1;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    const double rank = 0.5 * static_cast<double>(first + 1 + last);  // mean of the ranks first+1 .. last
    for (; first < last; ++first) ranks[order[first]] = rank;
  }
  return ranks;
}

double spearman(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) {
    throw Error(ErrorCode::kShape,
                fmt::format("rank correlation: second list is {} values, expected {}", b.size(), a.size()));
  }
  const auto is_nan = [](float value) { return std::isnan(value); };
  if (std::any_of(a.begin(), a.end(), is_nan) || std::any_of(b.begin(), b.end(), is_nan)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::vector<double> ranks_a = average_ranks(a);
  std::vector<double> ranks_b = average_ranks(b);
  const auto size = static_cast<Eigen::Index>(a.size());
  Eigen::Map<Eigen::ArrayXd> x(ranks_a.data(), size);
  Eigen::Map<Eigen::ArrayXd> y(ranks_b.data(), size);
  const double mean_rank = 0.5 * static_cast<double>(size + 1);  // ties do not change the sum of the ranks
  x -= mean_rank;
  y -= mean_rank;
  const double spread = std::sqrt(x.square().sum() * y.square().sum());
  if (!(spread > 0)) return std::numeric_limits<double>::quiet_NaN();
  return std::clamp((x * y).sum() / spread, -1.0, 1.0);
}

}  // namespace fovea
