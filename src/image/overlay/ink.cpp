#include "image/overlay/ink.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <utility>

#include "image/overlay/blend_kernels.hpp"

namespace fovea {
namespace {

constexpr double kOne = 65536.0;  // Blend's fixed point

/// Cold areas keep more of the photograph; at alpha 1 no area keeps any.
double opacity_of(double heat, double alpha, bool is_signed) {
  if (is_signed) return alpha * std::pow(std::abs(2.0 * heat - 1.0), 1.0 - alpha);
  return alpha * (1.0 - (1.0 - alpha) * (1.0 - heat));
}

BlendTable blend_table(const std::vector<std::uint8_t>& scale, double alpha, bool is_signed) {
  alpha = std::clamp(alpha, 0.0, 1.0);
  BlendTable table(kBlendLevels);
  for (std::size_t i = 0; i < kBlendLevels; ++i) {
    const double heat = static_cast<double>(i) / (kBlendLevels - 1);
    const double opacity = opacity_of(heat, alpha, is_signed);
    const double at = heat * 255.0;
    const auto lower = static_cast<std::size_t>(at);
    const std::size_t upper = std::min<std::size_t>(lower + 1, 255);
    const double part = at - static_cast<double>(lower);
    // The photograph loses colour as the map gains opacity, so that visible colour belongs to the map.
    table[i].keep = static_cast<std::uint32_t>((1.0 - opacity) * (1.0 - alpha) * kOne);
    table[i].keep_gray = static_cast<std::uint32_t>((1.0 - opacity) * alpha * kOne);
    for (std::size_t c = 0; c < 3; ++c) {
      const double color = scale[3 * lower + c] * (1.0 - part) + scale[3 * upper + c] * part;
      table[i].add[c] = static_cast<std::uint32_t>((opacity * color + 0.5) * kOne);
    }
  }
  return table;
}

/// Brightness of the hidden part under a mask. Its colours stay, unlike in the margin that the network never saw.
constexpr double kMasked = 0.3;

BlendTable mask_table(double threshold) {
  BlendTable table(kBlendLevels);
  for (std::size_t i = 0; i < kBlendLevels; ++i) {
    const bool shown = static_cast<double>(i) / (kBlendLevels - 1) >= threshold;
    table[i].keep = static_cast<std::uint32_t>((shown ? 1.0 : kMasked) * kOne);
  }
  return table;
}

class BlendInk final : public MapInk {
 public:
  BlendInk(const HeatField& field, BlendTable table) : field_(field), table_(std::move(table)), heat_(field.width()) {}

  void paint(int y, const std::uint8_t* from, std::size_t begin, std::size_t end, std::uint8_t* to) override {
    field_.row(y, heat_);
    blend_pixels(table_, heat_.data() + begin, from + 3 * begin, end - begin, to + 3 * begin);
  }

 private:
  const HeatField& field_;
  BlendTable table_;
  std::vector<float> heat_;
};

void cover(std::uint8_t* pixel, const std::uint8_t* color, float opacity) {
  for (std::size_t c = 0; c < 3; ++c) {
    const auto from = static_cast<float>(pixel[c]);
    pixel[c] = static_cast<std::uint8_t>(std::lround(from + opacity * (static_cast<float>(color[c]) - from)));
  }
}

/// The distance from a pixel to a line is the difference of their heat divided by the gradient of the heat there.
class ContourInk final : public MapInk {
 public:
  ContourInk(const HeatField& field, Size picture, std::vector<float> levels, const std::vector<std::uint8_t>& colors)
      : field_(field),
        last_row_(picture.height - 1),
        half_line_(
            std::max(0.9F, std::sqrt(static_cast<float>(picture.height) * static_cast<float>(picture.width)) / 350.0F)),
        levels_(std::move(levels)),
        colors_(colors.end() - static_cast<std::ptrdiff_t>(3 * levels_.size()), colors.end()),
        above_(field.width()),
        heat_(field.width()),
        below_(field.width()) {}

  void paint(int y, const std::uint8_t* from, std::size_t begin, std::size_t end, std::uint8_t* to) override {
    field_.row(std::max(y - 1, 0), above_);
    field_.row(y, heat_);
    field_.row(std::min(y + 1, last_row_), below_);
    std::copy(from + 3 * begin, from + 3 * end, to + 3 * begin);
    constexpr std::array<std::uint8_t, 3> kDark{0, 0, 0};
    for (std::size_t x = begin; x < end; ++x) {
      const float across = (heat_[std::min(x + 1, heat_.size() - 1)] - heat_[x > 0 ? x - 1 : 0]) / 2.0F;
      const float down = (below_[x] - above_[x]) / 2.0F;
      const float steepness = std::hypot(across, down);
      constexpr float kFlat = 1e-5F;
      if (steepness < kFlat) continue;
      for (std::size_t i = 0; i < levels_.size(); ++i) {
        const float distance = std::abs(heat_[x] - levels_[i]) / steepness;  // px
        const auto within = [&](float reach) { return std::clamp(reach + 0.5F - distance, 0.0F, 1.0F); };
        cover(to + 3 * x, kDark.data(), 0.55F * within(2.2F * half_line_));
        cover(to + 3 * x, &colors_[3 * i], within(half_line_));
      }
    }
  }

 private:
  const HeatField& field_;
  int last_row_;
  float half_line_;  // px
  std::vector<float> levels_;
  std::vector<std::uint8_t> colors_;
  std::vector<float> above_, heat_, below_;
};

}  // namespace

std::vector<float> contour_levels(std::span<const float> map) {
  std::vector<float> sorted = scaled_to_one(map);
  std::sort(sorted.begin(), sorted.end());
  std::vector<float> levels;
  if (sorted.empty()) return levels;
  levels.reserve(std::size(kContourShares));
  for (const double share : kContourShares) {
    const float level = sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
    if (level > 0.0F) levels.push_back(level);
  }
  return levels;
}

std::vector<std::uint8_t> contour_colors(const std::vector<std::uint8_t>& scale) {
  std::vector<std::uint8_t> colors;
  constexpr std::array<std::ptrdiff_t, std::size(kContourShares)> kLevels256{120, 185, 250};
  for (const std::ptrdiff_t level : kLevels256) {
    colors.insert(colors.end(), scale.begin() + 3 * level, scale.begin() + 3 * level + 3);
  }
  return colors;
}

std::unique_ptr<MapInk> heat_ink(const HeatField& field, const std::vector<std::uint8_t>& scale, double alpha,
                                 bool is_signed) {
  return std::make_unique<BlendInk>(field, blend_table(scale, alpha, is_signed));
}

std::unique_ptr<MapInk> mask_ink(const HeatField& field, double threshold) {
  return std::make_unique<BlendInk>(field, mask_table(threshold));
}

std::unique_ptr<MapInk> contour_ink(const HeatField& field, Size picture, std::vector<float> levels,
                                    const std::vector<std::uint8_t>& colors) {
  return std::make_unique<ContourInk>(field, picture, std::move(levels), colors);
}

}  // namespace fovea
