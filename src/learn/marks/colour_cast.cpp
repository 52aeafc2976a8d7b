#include "learn/marks/colour_cast.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea::learn {
namespace {

/// The shares of each class's pictures that have the hue, but for one class.
struct OtherShares {
  double mean = 0;
  double deviation = 0;
};

OtherShares shares_with(const Hue& hue, std::span<const Hue> hues, std::span<const std::size_t> classes,
                        std::size_t num_classes, std::size_t left_out) {
  std::vector<double> hits(num_classes);
  std::vector<double> counts(num_classes);
  for (std::size_t i = 0; i < hues.size(); ++i) {
    ++counts[classes[i]];
    hits[classes[i]] += same_hue(hue, hues[i]) ? 1 : 0;
  }
  std::vector<double> shares;
  for (std::size_t c = 0; c < num_classes; ++c) {
    if (c != left_out && counts[c] > 0) shares.push_back(hits[c] / counts[c]);
  }
  OtherShares result;
  if (shares.empty()) return result;
  for (const double share : shares) result.mean += share / static_cast<double>(shares.size());
  for (const double share : shares) result.deviation += std::pow(share - result.mean, 2);
  result.deviation = std::sqrt(result.deviation / static_cast<double>(shares.size()));
  return result;
}

}  // namespace

TonalRange tonal_range(std::span<const std::uint8_t> rgb) {
  TonalRange range;
  const std::size_t pixels = rgb.size() / 3;
  if (pixels == 0) return range;
  const auto dark = static_cast<std::size_t>(kDarkShare * static_cast<double>(pixels));
  const auto light = static_cast<std::size_t>(kLightShare * static_cast<double>(pixels));
  for (std::size_t channel = 0; channel < 3; ++channel) {
    std::array<std::size_t, 256> counts{};
    for (std::size_t i = 0; i < pixels; ++i) ++counts[rgb[3 * i + channel]];
    std::size_t level = 0;
    for (std::size_t seen = counts[0]; seen <= dark; seen += counts[level]) ++level;
    range.dark[channel] = static_cast<double>(level);
    level = 255;
    for (std::size_t seen = counts[255]; seen <= light; seen += counts[level]) --level;
    range.light[channel] = static_cast<double>(level);
  }
  return range;
}

Hue hue_of(const std::array<double, 3>& rgb) {
  return {rgb[0] - rgb[1], rgb[2] - rgb[1]};
}

bool same_hue(const Hue& a, const Hue& b) {
  return std::pow(a[0] - b[0], 2) + std::pow(a[1] - b[1], 2) <= kSameHue * kSameHue;
}

Hue peculiar_hue(std::span<const Hue> hues, std::span<const std::size_t> classes, std::size_t num_classes,
                 std::span<const std::size_t> examples) {
  Hue best{};
  double most = -std::numeric_limits<double>::infinity();
  for (const std::size_t i : examples) {
    const auto alike = std::ranges::count_if(examples, [&](std::size_t j) { return same_hue(hues[i], hues[j]); });
    const OtherShares others = shares_with(hues[i], hues, classes, num_classes, classes[i]);
    const double peculiar =
        static_cast<double>(alike) / static_cast<double>(examples.size()) - others.mean - 2 * others.deviation;
    if (peculiar <= most) continue;
    most = peculiar;
    best = hues[i];
  }
  return best;
}

}  // namespace fovea::learn
