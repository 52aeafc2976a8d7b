#include "learn/audit/k_means.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "base/process/interrupt.hpp"
#include "base/random.hpp"

namespace fovea::learn {
namespace {

double squared_distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

/// The nearest centre and the squared distance to it; the first of several.
std::pair<std::size_t, double> nearest_centre(const Matrix& centres, std::size_t count, std::span<const double> point) {
  std::pair<std::size_t, double> nearest{0, std::numeric_limits<double>::infinity()};
  for (std::size_t c = 0; c < count; ++c) {
    const double far = squared_distance(centres.row(c), point);
    if (far < nearest.second) nearest = {c, far};
  }
  return nearest;
}

/// k-means++: each next centre is a point, drawn in proportion to its squared distance to the nearest one so far.
Matrix spread_centres(const Matrix& points, std::size_t clusters, Random& random) {
  Matrix centres{clusters, points.cols};
  std::ranges::copy(points.row(random.below(points.rows)), centres.row(0).begin());
  for (std::size_t c = 1; c < clusters; ++c) {
    std::vector<double> far;
    for (std::size_t i = 0; i < points.rows; ++i) far.push_back(nearest_centre(centres, c, points.row(i)).second);
    double left = random.uniform() * std::accumulate(far.begin(), far.end(), 0.0);
    std::size_t chosen = 0;
    while (chosen + 1 < far.size() && left >= far[chosen]) left -= far[chosen++];
    std::ranges::copy(points.row(chosen), centres.row(c).begin());
  }
  return centres;
}

struct Clustering {
  std::vector<std::size_t> of;
  double spread = std::numeric_limits<double>::infinity();  // Σ squared distances to the centres
};

/// Lloyd's steps, until no point changes its cluster. A cluster without points keeps its centre.
Clustering settle(const Matrix& points, Matrix centres) {
  constexpr int kMostSteps = 300;
  Clustering now{std::vector<std::size_t>(points.rows), 0};
  for (int step = 0; step < kMostSteps; ++step) {
    stop_if_interrupted();
    bool changed = step == 0;
    now.spread = 0;
    for (std::size_t i = 0; i < points.rows; ++i) {
      const auto [cluster, far] = nearest_centre(centres, centres.rows, points.row(i));
      changed = changed || now.of[i] != cluster;
      now.of[i] = cluster;
      now.spread += far;
    }
    if (!changed) break;
    Matrix sums{centres.rows, centres.cols};
    std::vector<double> counts(centres.rows);
    for (std::size_t i = 0; i < points.rows; ++i) {
      ++counts[now.of[i]];
      for (std::size_t j = 0; j < points.cols; ++j) sums.row(now.of[i])[j] += points.row(i)[j];
    }
    for (std::size_t c = 0; c < counts.size(); ++c) {
      for (std::size_t j = 0; counts[c] > 0 && j < sums.cols; ++j) centres.row(c)[j] = sums.row(c)[j] / counts[c];
    }
  }
  return now;
}

/// Gives the clusters new numbers: by falling size, then by their first point.
std::vector<std::size_t> renumbered(const std::vector<std::size_t>& of, std::size_t clusters) {
  std::vector<std::size_t> sizes(clusters);
  std::vector<std::size_t> firsts(clusters, of.size());
  for (std::size_t i = 0; i < of.size(); ++i) {
    ++sizes[of[i]];
    firsts[of[i]] = std::min(firsts[of[i]], i);
  }
  std::vector<std::size_t> order(clusters);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return sizes[a] != sizes[b] ? sizes[a] > sizes[b] : firsts[a] < firsts[b];
  });
  std::vector<std::size_t> number(clusters);
  for (std::size_t n = 0; n < clusters; ++n) number[order[n]] = n;
  std::vector<std::size_t> renamed;
  renamed.reserve(of.size());
  for (const std::size_t cluster : of) renamed.push_back(number[cluster]);
  return renamed;
}

}  // namespace

std::vector<std::size_t> k_means(const Matrix& points, std::size_t clusters, std::uint64_t seed) {
  constexpr int kStarts = 10;
  if (points.rows == 0) return {};
  clusters = std::clamp(clusters, std::size_t{1}, points.rows);
  Random random(seed);
  Clustering best;
  for (int start = 0; start < kStarts; ++start) {
    Clustering settled = settle(points, spread_centres(points, clusters, random));
    if (settled.spread < best.spread) best = std::move(settled);
  }
  return renumbered(best.of, clusters);
}

}  // namespace fovea::learn
