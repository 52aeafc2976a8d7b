#include "pipeline/audit/strategies.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/process/interrupt.hpp"
#include "learn/audit/spectral.hpp"

namespace fovea {
namespace {

constexpr std::size_t kMostClusters = 6;
constexpr std::size_t kFewest = 20;  // maps of a class
constexpr std::size_t kNearest = 9;

/// By rising distance from their mean.
void sort_by_distance(std::vector<std::size_t>& chosen, const learn::Matrix& points) {
  std::vector<double> mean(points.cols);
  for (const std::size_t m : chosen) {
    for (std::size_t d = 0; d < mean.size(); ++d) mean[d] += points.row(m)[d] / static_cast<double>(chosen.size());
  }
  std::ranges::stable_sort(chosen, {}, [&](std::size_t m) {
    double sum = 0;
    for (std::size_t d = 0; d < mean.size(); ++d) sum += (points.row(m)[d] - mean[d]) * (points.row(m)[d] - mean[d]);
    return sum;
  });
}

}  // namespace

void describe_strategies(const PictureMaps& maps, std::size_t num_classes, std::span<const std::uint8_t> right,
                         const std::function<std::string(std::size_t)>& path_of, std::uint64_t seed,
                         AuditReport& report) {
  for (std::size_t c = 0; c < num_classes; ++c) {
    const std::vector<std::size_t> members = maps_of(maps, c);
    if (members.size() < kFewest) continue;
    for (const auto& [by, points] : {std::pair{"where", &maps.values}, std::pair{"what", &maps.content}}) {
      stop_if_interrupted();
      const learn::SpectralClusters clusters =
          learn::spectral_clusters(learn::rows_of(*points, members), kMostClusters, seed);
      if (clusters.count < 2) continue;
      for (std::size_t k = 0; k < clusters.count; ++k) {
        std::vector<std::size_t> chosen;
        for (std::size_t i = 0; i < members.size(); ++i) {
          if (clusters.of[i] == k) chosen.push_back(members[i]);
        }
        AuditStrategy strategy{c, by, chosen.size(), 0, mean_map(maps, chosen), {}};
        for (const std::size_t m : chosen) {
          strategy.right += (right[maps.of[m]] != 0 ? 1.0 : 0.0) / static_cast<double>(chosen.size());
        }
        sort_by_distance(chosen, *points);
        for (std::size_t i = 0; i < std::min(kNearest, chosen.size()); ++i) {
          strategy.paths.push_back(path_of(maps.of[chosen[i]]));
        }
        report.strategies.push_back(std::move(strategy));
      }
    }
  }
}

}  // namespace fovea
