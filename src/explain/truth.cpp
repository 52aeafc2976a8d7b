#include "explain/truth.hpp"

#include <algorithm>
#include <cmath>

#include "base/random.hpp"
#include "explain/faithfulness.hpp"
#include "explain/spearman.hpp"

namespace fovea {
namespace {

constexpr std::uint8_t kInside = 1;
constexpr std::uint8_t kOutside = 0;

/// In which half of `count` places this one lies; 2: the border goes through it.
std::size_t half_of(std::size_t place, std::size_t count) {
  if (2 * place + 1 == count) return 2;
  return 2 * place < count ? 0 : 1;
}

double share_inside(std::span<const float> map, std::span<const std::uint8_t> tile) {
  double inside = 0;
  double all = 0;
  for (std::size_t i = 0; i < map.size(); ++i) {
    const double positive = std::max(0.0, static_cast<double>(map[i]));
    all += positive;
    if (tile[i] == kInside) inside += positive;
  }
  if (all > 0) return inside / all;
  const auto patches = static_cast<double>(std::count(tile.begin(), tile.end(), kInside));
  return patches / (patches + static_cast<double>(std::count(tile.begin(), tile.end(), kOutside)));
}

double hit_inside(std::span<const float> map, std::span<const std::uint8_t> tile) {
  const float highest = *std::max_element(map.begin(), map.end());
  double inside = 0;
  double all = 0;
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (map[i] != highest) continue;
    all += 1;
    if (tile[i] == kInside) inside += 1;
  }
  return inside / all;
}

/// The share of pairs, of a patch inside and one outside, whose inner one is higher: Mann and Whitney's U by ranks.
double auroc(std::span<const float> map, std::span<const std::uint8_t> tile) {
  std::vector<float> values;
  std::vector<std::uint8_t> inside;
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (tile[i] != kInside && tile[i] != kOutside) continue;
    values.push_back(map[i]);
    inside.push_back(tile[i]);
  }
  const std::vector<double> ranks = average_ranks(values);
  double sum = 0;
  double count = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (inside[i] != kInside) continue;
    sum += ranks[i];
    count += 1;
  }
  const double others = static_cast<double>(ranks.size()) - count;
  return count == 0 || others == 0 ? 0.5 : (sum - count * (count + 1) / 2) / (count * others);
}

}  // namespace

std::vector<std::uint8_t> tile_patches(PatchGrid grid, std::size_t tile) {
  std::vector<std::uint8_t> patches(grid.size());
  for (std::size_t i = 0; i < patches.size(); ++i) {
    const std::size_t row = half_of(i / grid.cols, grid.rows);
    const std::size_t col = half_of(i % grid.cols, grid.cols);
    patches[i] = row == 2 || col == 2 ? 2 : (2 * row + col == tile ? kInside : kOutside);
  }
  return patches;
}

TileMeasures measure_tile(std::span<const float> map, std::span<const std::uint8_t> tile) {
  return {share_inside(map, tile), hit_inside(map, tile), auroc(map, tile)};
}

double average_precision(std::span<const float> map, std::span<const std::uint8_t> inside) {
  const std::vector<std::size_t> order = patch_order(map);
  double found = 0;
  double sum = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    double here = 0;
    for (; end < order.size() && map[order[end]] == map[order[begin]]; ++end) here += inside[order[end]] == kInside;
    found += here;
    sum += here * found / static_cast<double>(end);
    begin = end;
  }
  return sum / found;
}

std::vector<std::vector<std::size_t>> deletion_cells(PatchGrid grid) {
  const std::size_t across = (grid.cols + 1) / 2;
  std::vector<std::vector<std::size_t>> cells((grid.rows + 1) / 2 * across);
  for (std::size_t i = 0; i < grid.size(); ++i) cells[i / grid.cols / 2 * across + i % grid.cols / 2].push_back(i);
  return cells;
}

double single_deletion_score(std::span<const float> map, const std::vector<std::vector<std::size_t>>& cells,
                             std::span<const float> lost) {
  std::vector<float> sums;
  sums.reserve(cells.size());
  for (const std::vector<std::size_t>& cell : cells) {
    double sum = 0;
    for (const std::size_t patch : cell) sum += static_cast<double>(map[patch]);
    sums.push_back(static_cast<float>(sum));
  }
  const double correlation = spearman(sums, lost);
  return std::isfinite(correlation) ? correlation : 0;
}

std::vector<float> random_map(PatchGrid grid, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> map(grid.size());
  for (float& value : map) value = static_cast<float>(random.uniform());
  return map;
}

std::vector<float> centred_map(PatchGrid grid) {
  std::vector<float> map(grid.size());
  const auto away = [](std::size_t place, std::size_t count) {  // in sides of the grid
    return (static_cast<double>(place) + 0.5) / static_cast<double>(count) - 0.5;
  };
  for (std::size_t i = 0; i < map.size(); ++i) {
    const double y = away(i / grid.cols, grid.rows);
    const double x = away(i % grid.cols, grid.cols);
    map[i] = static_cast<float>(std::exp(-(y * y + x * x) / (2 * 0.25 * 0.25)));
  }
  return map;
}

}  // namespace fovea
