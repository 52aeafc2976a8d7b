#include "support/naive_overlay.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/overlay/field.hpp"
#include "image/overlay/overlay.hpp"

namespace fovea::test {
namespace {

double mitchell(double x) {
  x = std::abs(x);
  if (x < 1.0) return (7.0 * x * x * x - 12.0 * x * x + 16.0 / 3.0) / 6.0;
  if (x < 2.0) return (-7.0 / 3.0 * x * x * x + 12.0 * x * x - 20.0 * x + 32.0 / 3.0) / 6.0;
  return 0.0;
}

/// Four cells around a pixel's centre along one axis, and their weights.
struct Axis {
  std::array<std::size_t, 4> cell{};
  std::array<float, 4> weight{};
};
Axis axis_at(int pixel, int original, int resized, int start, int crop, std::size_t cells) {
  const double last = static_cast<double>(cells) - 1.0;
  const double in_crop = (pixel + 0.5) * resized / original - start;
  const double cell = std::clamp(in_crop * static_cast<double>(cells) / crop - 0.5, -0.5, last + 0.5);
  Axis axis;
  for (std::size_t i = 0; i < 4; ++i) {
    const double at = std::floor(cell) - 1.0 + static_cast<double>(i);
    axis.cell[i] = static_cast<std::size_t>(std::clamp(at, 0.0, last));
    axis.weight[i] = static_cast<float>(mitchell(cell - at));
  }
  return axis;
}

/// The map at the pixel's centre, 0..1: first along x, then along y, in float32.
float heat_at(const std::vector<float>& scaled, std::size_t cols, const Axis& x, const Axis& y) {
  float heat = 0.0F;
  for (std::size_t j = 0; j < 4; ++j) {
    float in_row = 0.0F;
    for (std::size_t i = 0; i < 4; ++i) in_row += x.weight[i] * scaled[y.cell[j] * cols + x.cell[i]];
    heat += y.weight[j] * in_row;
  }
  return std::clamp(heat, 0.0F, 1.0F);
}

std::uint32_t luma(const std::uint8_t* pixel) {
  return (77U * pixel[0] + 150U * pixel[1] + 29U * pixel[2]) >> 8;
}

/// The pixel under the map's colour, in 16-bit fixed point.
std::array<std::uint32_t, 3> heated(const std::uint8_t* pixel, float heat, const std::vector<std::uint8_t>& colors,
                                    double alpha, bool is_signed) {
  constexpr double kOne = 65536.0;
  const double level = static_cast<double>(std::floor(heat * 1023.0F + 0.5F)) / 1023.0;
  const double opacity = is_signed ? alpha * std::pow(std::abs(2.0 * level - 1.0), 1.0 - alpha)
                                   : alpha * (1.0 - (1.0 - alpha) * (1.0 - level));
  const auto lower = static_cast<std::size_t>(level * 255.0);
  const double part = level * 255.0 - static_cast<double>(lower);
  std::array<std::uint32_t, 3> to{};
  for (std::size_t c = 0; c < 3; ++c) {
    const double color =
        colors[3 * lower + c] * (1.0 - part) + colors[3 * std::min<std::size_t>(lower + 1, 255) + c] * part;
    const auto keep = static_cast<std::uint32_t>((1.0 - opacity) * (1.0 - alpha) * kOne);
    const auto keep_gray = static_cast<std::uint32_t>((1.0 - opacity) * alpha * kOne);
    const auto add = static_cast<std::uint32_t>((opacity * color + 0.5) * kOne);
    to[c] = (pixel[c] * keep + luma(pixel) * keep_gray + add) >> 16;
  }
  return to;
}

/// How much of pixel i lies in [begin, end).
float covered(int i, double begin, double end) {
  return static_cast<float>(std::clamp(std::min(i + 1.0, end) - std::max<double>(i, begin), 0.0, 1.0));
}

/// A pixel's shares, along one axis, of the seen box and of the outer and inner edge of its frame.
struct Shares {
  float inside, outer, inner;
};
Shares shares_of(int i, int pixels, double begin, double end, double half_line) {
  if (begin < 0.75) begin = -pixels;
  if (end > pixels - 0.75) end = 2.0 * pixels;
  return {covered(i, begin, end), covered(i, begin - half_line, end + half_line),
          covered(i, begin + half_line, end - half_line)};
}

}  // namespace

Image naive_heat_overlay(const Image& picture, MatrixView<const float> map, const CropGeometry& g,
                         const OverlayStyle& style, bool is_signed) {
  const std::vector<std::uint8_t> colors = color_scale(style.colormap, is_signed);
  const std::vector<float> scaled = is_signed ? scaled_about_half(map.values()) : scaled_to_one(map.values());
  const SeenArea seen = seen_area(g);
  const auto [height, width] = picture.size();
  const double half_line = std::max(0.6, std::sqrt(static_cast<double>(height) * width) / 1000.0);
  Image out(picture.size());
  for (int y = 0; y < height; ++y) {
    const Axis rows = axis_at(y, height, g.resized.height, g.top, g.crop.height, map.rows());
    const Shares down = shares_of(y, height, seen.top, seen.bottom, half_line);
    for (int x = 0; x < width; ++x) {
      const Axis cols = axis_at(x, width, g.resized.width, g.left, g.crop.width, map.cols());
      const Shares across = shares_of(x, width, seen.left, seen.right, half_line);
      const std::uint8_t* from = picture.row(y) + std::ptrdiff_t{3} * x;
      const auto hot = heated(from, heat_at(scaled, map.cols(), cols, rows), colors, style.alpha, is_signed);
      const float inside = across.inside * down.inside;
      const float line = 0.75F * (across.outer * down.outer - across.inner * down.inner);
      for (std::size_t c = 0; c < 3; ++c) {
        const std::uint32_t dim = (75U * luma(from) + 32U * from[c]) >> 8;
        const float mixed = inside * static_cast<float>(hot[c]) + (1.0F - inside) * static_cast<float>(dim);
        out.row(y)[std::ptrdiff_t{3} * x + static_cast<std::ptrdiff_t>(c)] =
            static_cast<std::uint8_t>(std::clamp(mixed + line * (255.0F - mixed) + 0.5F, 0.0F, 255.0F));
      }
    }
  }
  return out;
}

}  // namespace fovea::test
