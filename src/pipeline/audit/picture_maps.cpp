#include "pipeline/audit/picture_maps.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "base/random.hpp"
#include "explain/faithfulness.hpp"
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

/// Adds what was looked at, Σ map · token, wherever it lay. Each token is brought to mean 0 and deviation 1 first, as the
/// norm of the last block does.
/// @param tokens  [T, D]
void add_content(MatrixView<const float> tokens, std::size_t num_prefix, PictureMaps& maps) {
  const std::span<const double> map = maps.values.row(maps.values.rows - 1);
  maps.content.cols = tokens.cols();
  maps.content.values.resize(maps.content.values.size() + tokens.cols());
  const std::span<double> sum = maps.content.row(maps.content.rows++);
  for (std::size_t cell = 0; cell < map.size(); ++cell) {
    const std::span<const float> token = tokens.row(num_prefix + cell);
    const double mean = std::accumulate(token.begin(), token.end(), 0.0) / static_cast<double>(token.size());
    double squares = 0;
    for (const float value : token) squares += (double{value} - mean) * (double{value} - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(token.size()));
    if (deviation <= 0) continue;
    for (std::size_t d = 0; d < token.size(); ++d) sum[d] += map[cell] * (double{token[d]} - mean) / deviation;
  }
}

}  // namespace

double unseen_share(const CropGeometry& g) {
  const auto covered = [](int begin, int crop, int whole) {
    const int end = std::min(begin + crop, whole);
    return static_cast<double>(std::max(end - std::max(begin, 0), 0)) / static_cast<double>(std::max(whole, 1));
  };
  return 1 - covered(g.top, g.crop.height, g.resized.height) * covered(g.left, g.crop.width, g.resized.width);
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

PictureMaps map_pictures(const ExperimentPictures& pictures, std::size_t most, std::uint64_t seed, AskedModel& model,
                         const std::function<void()>& step, const GiveUp& give_up) {
  PictureMaps maps;
  const Architecture& architecture = model.engine().info().architecture;
  if (architecture.max_patches > 0 || most == 0) return maps;
  maps.rows = architecture.grid().rows;
  maps.cols = architecture.grid().cols;
  maps.values = learn::Matrix{0, maps.rows * maps.cols, {}};
  maps.content = learn::Matrix{0, architecture.embed_dim, {}};
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
    options.keep_tokens = true;
    options.maps.methods = {&default_method(true)};
    options.targets = {{{ClassRule::Kind::kNamed, model.of_class()[c]}, 1, std::nullopt}};
    const std::size_t written = model.engine().run(
        pictures.inputs, todo, options, model.schedule(todo.size()),
        [&](PictureOutcome outcome) {
          step();
          const std::size_t row = row_of.at(outcome.record.index);
          if (outcome.record.failure) {
            pictures.lost->emplace(row, outcome.record.failure->message);
            return;
          }
          maps.of.push_back(row);
          maps.classes.push_back(c);
          maps.geometry.push_back(outcome.picture.geometry);
          add_map(outcome.maps.front().heatmap, maps);
          const MatrixView<const float> tokens(outcome.tokens, architecture.tokens(), architecture.embed_dim);
          maps.outliers.push_back(outlier_patches(tokens, architecture.num_prefix_tokens));
          add_content(tokens, architecture.num_prefix_tokens, maps);
        },
        nullptr, give_up);
    maps.interrupted = written < todo.size();
    if (maps.interrupted) return maps;
  }
  return maps;
}

}  // namespace fovea
