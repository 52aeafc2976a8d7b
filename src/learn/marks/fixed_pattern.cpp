#include "learn/marks/fixed_pattern.hpp"

#include <algorithm>
#include <utility>

#include "base/parallel.hpp"

namespace fovea::learn {
namespace {

int length_squared(const Step& step) {
  int sum = 0;
  for (const std::int8_t part : step) sum += int{part} * int{part};
  return sum;
}

/// Whether two steps are the same: their difference is at most 22 levels long, or 0.3 of the first, whichever is more.
bool same_step(const Step& wanted, const Step& seen) {
  constexpr int kLevels = 22;
  int far = 0;
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    const int difference = int{wanted[k]} - int{seen[k]};
    far += difference * difference;
  }
  return 100 * far <= std::max(100 * kLevels * kLevels, 9 * length_squared(wanted));
}

std::int8_t cut(int levels) {
  return static_cast<std::int8_t>(std::clamp(levels, -127, 127));
}

/// The cells that lie within two cells of each other, by flooding from one.
std::vector<std::size_t> cluster_from(std::size_t first, std::size_t side, std::vector<bool>& left) {
  constexpr int kReach = 2;
  std::vector<std::size_t> cluster{first};
  left[first] = false;
  const int edge = static_cast<int>(side);
  for (std::size_t next = 0; next < cluster.size(); ++next) {
    const int row = static_cast<int>(cluster[next] / side);
    const int col = static_cast<int>(cluster[next] % side);
    for (int y = std::max(row - kReach, 0); y <= std::min(row + kReach, edge - 1); ++y) {
      for (int x = std::max(col - kReach, 0); x <= std::min(col + kReach, edge - 1); ++x) {
        const auto cell = static_cast<std::size_t>(y) * side + static_cast<std::size_t>(x);
        if (!left[cell]) continue;
        left[cell] = false;
        cluster.push_back(cell);
      }
    }
  }
  return cluster;
}

std::vector<std::size_t> largest_cluster(std::size_t side, std::vector<bool> left) {
  std::vector<std::size_t> best;
  for (std::size_t cell = 0; cell < left.size(); ++cell) {
    if (!left[cell]) continue;
    std::vector<std::size_t> cluster = cluster_from(cell, side, left);
    if (cluster.size() > best.size()) best = std::move(cluster);
  }
  std::ranges::sort(best);
  return best;
}

}  // namespace

PictureSteps steps_of(const SmallPictures& pictures) {
  PictureSteps all{pictures.side, std::vector<Step>(pictures.count() * pictures.side * pictures.side)};
  const std::size_t side = pictures.side;
  for_each_piece(pictures.count(), [&](std::size_t i) {
    const auto rgb = pictures.picture(i);
    for (std::size_t cell = 0; cell < side * side; ++cell) {
      Step& step = all.steps[i * side * side + cell];
      for (std::size_t channel = 0; channel < 3; ++channel) {
        const int here = rgb[3 * cell + channel];
        if (cell % side + 1 < side) step[channel] = cut(rgb[3 * (cell + 1) + channel] - here);
        if (cell / side + 1 < side) step[3 + channel] = cut(rgb[3 * (cell + side) + channel] - here);
      }
    }
  });
  return all;
}

FixedPattern common_pattern(const PictureSteps& pictures, std::span<const std::size_t> examples) {
  std::vector<std::size_t> most(pictures.cells());
  std::vector<Step> best(pictures.cells());
  for_each_piece(pictures.cells(), [&](std::size_t cell) {
    for (std::size_t draw = 0; draw < std::min(kPatternDraws, examples.size()); ++draw) {
      const Step& candidate = pictures.picture(examples[draw])[cell];
      if (length_squared(candidate) < kLeastStep * kLeastStep) continue;
      const auto alike = static_cast<std::size_t>(std::ranges::count_if(
          examples, [&](std::size_t i) { return same_step(candidate, pictures.picture(i)[cell]); }));
      if (alike <= most[cell]) continue;
      most[cell] = alike;
      best[cell] = candidate;
    }
  });
  std::vector<bool> left(most.size());
  for (std::size_t cell = 0; cell < most.size(); ++cell) {
    // One picture has all of its own steps.
    left[cell] = most[cell] >= 2 && static_cast<double>(most[cell]) >= kPatternShare * static_cast<double>(examples.size());
  }
  FixedPattern pattern;
  pattern.cells = largest_cluster(pictures.side, std::move(left));
  for (const std::size_t cell : pattern.cells) pattern.steps.push_back(best[cell]);
  return pattern;
}

bool carries(const FixedPattern& pattern, std::span<const Step> picture) {
  if (pattern.cells.size() < kLeastCells) return false;
  std::size_t alike = 0;
  for (std::size_t k = 0; k < pattern.cells.size(); ++k) {
    if (same_step(pattern.steps[k], picture[pattern.cells[k]])) ++alike;
  }
  return static_cast<double>(alike) >= kCarriedShare * static_cast<double>(pattern.cells.size());
}

RelativeBox box_of(const FixedPattern& pattern, std::size_t side) {
  if (pattern.cells.empty()) return {0, 0, 0, 0};
  std::size_t top = side;
  std::size_t left = side;
  std::size_t bottom = 0;
  std::size_t right = 0;
  for (const std::size_t cell : pattern.cells) {
    top = std::min(top, cell / side);
    left = std::min(left, cell % side);
    bottom = std::max(bottom, cell / side + 1);
    right = std::max(right, cell % side + 1);
  }
  const auto share = [&](std::size_t edge) {
    return static_cast<double>(std::min(edge, side)) / static_cast<double>(side);
  };
  return {share(top), share(left), share(bottom + 1), share(right + 1)};  // a step ends in the next pixel
}

}  // namespace fovea::learn
