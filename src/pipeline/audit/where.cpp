#include "pipeline/audit/where.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <utility>

#include "base/process/interrupt.hpp"
#include "base/random.hpp"
#include "learn/audit/spectral.hpp"
#include "pipeline/maps/map_plan.hpp"

namespace fovea {
namespace {

/// At most `most` rows of each class, drawn at random, rising.
std::vector<std::size_t> some_of_each(std::span<const std::size_t> classes, std::size_t most, std::uint64_t seed) {
  std::vector<std::size_t> order(classes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  std::map<std::size_t, std::size_t> counts;
  std::vector<std::size_t> chosen;
  for (const std::size_t row : order) {
    if (counts[classes[row]]++ < most) chosen.push_back(row);
  }
  std::ranges::sort(chosen);
  return chosen;
}

double unseen_share(const CropGeometry& g) {
  const auto covered = [](int begin, int crop, int whole) {
    const int end = std::min(begin + crop, whole);
    return static_cast<double>(std::max(end - std::max(begin, 0), 0)) / static_cast<double>(std::max(whole, 1));
  };
  return 1 - covered(g.top, g.crop.height, g.resized.height) * covered(g.left, g.crop.width, g.resized.width);
}

/// What speaks for the class, brought to a sum of 1; where nothing does, the same everywhere.
void add_map(const Heatmap& heatmap, PictureMaps& maps) {
  double sum = 0;
  for (const float value : heatmap.values) sum += std::max(double{value}, 0.0);
  const double even = 1 / static_cast<double>(heatmap.values.size());
  for (const float value : heatmap.values) {
    maps.values.values.push_back(sum > 0 ? std::max(double{value}, 0.0) / sum : even);
  }
  ++maps.values.rows;
}

std::vector<float> mean_map(const PictureMaps& maps, std::span<const std::size_t> chosen) {
  std::vector<float> mean(maps.values.cols);
  for (const std::size_t m : chosen) {
    for (std::size_t cell = 0; cell < mean.size(); ++cell) {
      mean[cell] += static_cast<float>(maps.values.row(m)[cell] / static_cast<double>(chosen.size()));
    }
  }
  return mean;
}

std::vector<std::size_t> maps_of(const PictureMaps& maps, std::size_t of_class) {
  std::vector<std::size_t> chosen;
  for (std::size_t m = 0; m < maps.of.size(); ++m) {
    if (maps.classes[m] == of_class) chosen.push_back(m);
  }
  return chosen;
}

}  // namespace

PictureMaps map_pictures(const ExperimentPictures& pictures, std::size_t most, std::uint64_t seed, AskedModel& model,
                         const std::function<void()>& step, const GiveUp& give_up) {
  PictureMaps maps;
  const Architecture& architecture = model.engine().info().architecture;
  if (architecture.max_patches > 0 || most == 0) return maps;
  maps.rows = architecture.grid().rows;
  maps.cols = architecture.grid().cols;
  maps.values = learn::Matrix{0, maps.rows * maps.cols, {}};
  const std::vector<std::size_t> rows = some_of_each(pictures.classes, most, seed);
  for (std::size_t c = 0; c < model.of_class().size(); ++c) {
    std::vector<std::size_t> todo;  // inputs
    std::map<std::size_t, std::size_t> row_of;
    for (const std::size_t row : rows) {
      if (pictures.classes[row] != c) continue;
      todo.push_back(pictures.chosen[row]);
      row_of[todo.back()] = row;
    }
    PictureOptions options;
    options.keep_maps = true;
    options.maps.methods = {&default_method(true)};
    options.targets = {{{ClassRule::Kind::kNamed, model.of_class()[c]}, 1, std::nullopt}};
    const std::size_t written = model.engine().run(
        pictures.inputs, todo, options, model.schedule(todo.size()),
        [&](PictureOutcome outcome) {
          step();
          if (outcome.record.failure || outcome.maps.empty()) return;
          maps.of.push_back(row_of.at(outcome.record.index));
          maps.classes.push_back(c);
          maps.unseen.push_back(unseen_share(outcome.picture.geometry));
          add_map(outcome.maps.front().heatmap, maps);
        },
        nullptr, give_up);
    maps.interrupted = written < todo.size();
    if (maps.interrupted) return maps;
  }
  return maps;
}

std::vector<MapMeasure> map_measures(std::size_t rows, std::size_t cols) {
  if (rows < 4 || cols < 4) return {};
  std::vector<MapMeasure> measures{{"the outer ring", {}}, {"the upper left corner", {}}, {"the upper right corner", {}},
                                   {"the lower left corner", {}}, {"the lower right corner", {}}};
  const std::size_t ring = std::max<std::size_t>(1, std::min(rows, cols) / 14);
  for (std::size_t cell = 0; cell < rows * cols; ++cell) {
    const std::size_t row = cell / cols;
    const std::size_t col = cell % cols;
    if (row < ring || row >= rows - ring || col < ring || col >= cols - ring) measures[0].cells.push_back(cell);
    const bool upper = row < rows / 4;
    const bool lower = row >= rows - rows / 4;
    const bool left = col < cols / 4;
    const bool right = col >= cols - cols / 4;
    if (upper && left) measures[1].cells.push_back(cell);
    if (upper && right) measures[2].cells.push_back(cell);
    if (lower && left) measures[3].cells.push_back(cell);
    if (lower && right) measures[4].cells.push_back(cell);
  }
  return measures;
}

/// A class with fewer maps is not compared.
constexpr std::size_t kFewestMaps = 5;

std::vector<MapExcess> compare_maps(const PictureMaps& maps, std::span<const MapMeasure> measures,
                                    std::size_t num_classes) {
  std::vector<MapExcess> all;
  for (std::size_t k = 0; k < measures.size(); ++k) {
    std::vector<double> shares(maps.of.size());
    for (std::size_t m = 0; m < shares.size(); ++m) {
      for (const std::size_t cell : measures[k].cells) shares[m] += maps.values.row(m)[cell];
    }
    // Parts of different size have shares of different size, and so have the differences between classes.
    constexpr double kUsualShare = 0.3;
    const double mean = std::accumulate(shares.begin(), shares.end(), 0.0) / static_cast<double>(std::max<std::size_t>(shares.size(), 1));
    for (std::size_t c = 0; c < num_classes; ++c) {
      const std::vector<std::size_t> members = maps_of(maps, c);
      if (members.size() < kFewestMaps) continue;
      all.push_back({k, c, learn::excess_of_means(shares, maps.classes, num_classes, c, kUsualShare * mean)});
    }
  }
  return all;
}

void describe_maps(const PictureMaps& maps, std::size_t num_classes, AuditReport& report) {
  report.rows = maps.rows;
  report.cols = maps.cols;
  if (maps.of.empty()) return;
  report.unseen =
      std::accumulate(maps.unseen.begin(), maps.unseen.end(), 0.0) / static_cast<double>(maps.unseen.size());
  report.overall.assign(maps.values.cols, 0);
  for (std::size_t c = 0; c < num_classes; ++c) {
    const std::vector<std::size_t> chosen = maps_of(maps, c);
    if (chosen.empty()) continue;
    report.atlas.push_back({c, chosen.size(), mean_map(maps, chosen)});
  }
  for (const AuditAtlas& one : report.atlas) {
    for (std::size_t cell = 0; cell < one.map.size(); ++cell) {
      report.overall[cell] += one.map[cell] / static_cast<float>(report.atlas.size());
    }
  }
}

void describe_strategies(const PictureMaps& maps, std::size_t num_classes, std::span<const std::uint8_t> right,
                         const std::function<std::string(std::size_t)>& path_of, std::uint64_t seed,
                         AuditReport& report) {
  constexpr std::size_t kMostClusters = 6;
  constexpr std::size_t kFewest = 20;  // maps of a class
  constexpr std::size_t kNearest = 9;
  for (std::size_t c = 0; c < num_classes; ++c) {
    stop_if_interrupted();
    const std::vector<std::size_t> members = maps_of(maps, c);
    if (members.size() < kFewest) continue;
    const learn::Matrix points = learn::rows_of(maps.values, members);
    const learn::SpectralClusters clusters = learn::spectral_clusters(points, kMostClusters, seed);
    if (clusters.count < 2) continue;
    for (std::size_t k = 0; k < clusters.count; ++k) {
      std::vector<std::size_t> chosen;
      for (std::size_t i = 0; i < members.size(); ++i) {
        if (clusters.of[i] == k) chosen.push_back(members[i]);
      }
      AuditStrategy strategy{c, chosen.size(), 0, mean_map(maps, chosen), {}};
      const auto far = [&](std::size_t m) {
        double sum = 0;
        for (std::size_t cell = 0; cell < maps.values.cols; ++cell) {
          const double step = maps.values.row(m)[cell] - double{strategy.map[cell]};
          sum += step * step;
        }
        return sum;
      };
      for (const std::size_t m : chosen) {
        strategy.right += (right[maps.of[m]] != 0 ? 1.0 : 0.0) / static_cast<double>(chosen.size());
      }
      std::ranges::stable_sort(chosen, {}, far);
      for (std::size_t i = 0; i < std::min(kNearest, chosen.size()); ++i) {
        strategy.paths.push_back(path_of(maps.of[chosen[i]]));
      }
      report.strategies.push_back(std::move(strategy));
    }
  }
}

}  // namespace fovea
