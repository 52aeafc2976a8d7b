#include "image/overlay/frame.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "image/overlay/blend_kernels.hpp"

namespace fovea {
namespace {

/// The share of each pixel [i, i + 1) that lies in [begin, end), so that the box has antialiased edges.
std::vector<float> coverage(int pixels, double begin, double end) {
  std::vector<float> covered(static_cast<std::size_t>(pixels));
  for (int i = 0; i < pixels; ++i) {
    covered[static_cast<std::size_t>(i)] =
        static_cast<float>(std::clamp(std::min(i + 1.0, end) - std::max<double>(i, begin), 0.0, 1.0));
  }
  return covered;
}

/// Along one axis: the box that the model saw and the thin line around it. The line is the outer box without the inner
/// one.
struct FrameAxis {
  std::vector<float> inside, outer, inner;  // how much of each pixel
  std::size_t outer_begin = 0, inner_begin = 0, inner_end = 0, outer_end = 0;
};

FrameAxis make_frame_axis(int pixels, double begin, double end, double half_line) {
  // Draw no line where the area reaches the picture's edge.
  constexpr double kNear = 0.75;  // px
  if (begin < kNear) begin = -pixels;
  if (end > pixels - kNear) end = 2.0 * pixels;
  FrameAxis axis{coverage(pixels, begin, end), coverage(pixels, begin - half_line, end + half_line),
                 coverage(pixels, begin + half_line, end - half_line)};
  const auto any = [](float covered) { return covered > 0.0F; };
  const auto whole = [](float covered) { return covered >= 1.0F; };
  const auto first = [](const auto& profile, auto is) {
    return static_cast<std::size_t>(std::find_if(profile.begin(), profile.end(), is) - profile.begin());
  };
  const auto past_last = [](const auto& profile, auto is) {
    return static_cast<std::size_t>(profile.rend() - std::find_if(profile.rbegin(), profile.rend(), is));
  };
  axis.outer_begin = first(axis.outer, any);
  axis.outer_end = std::max(axis.outer_begin, past_last(axis.outer, any));
  axis.inner_begin = std::min(first(axis.inner, whole), axis.outer_end);
  axis.inner_end = std::max(axis.inner_begin, past_last(axis.inner, whole));
  return axis;
}

void dim(const std::uint8_t* from, std::size_t begin, std::size_t end, std::uint8_t* to) {
  dim_pixels(from + 3 * begin, end - begin, to + 3 * begin);
}

struct Frame {
  FrameAxis x, y;

  /// A border pixel: a mixture of the painted picture, the margin and the line.
  void mix(const std::uint8_t* from, std::size_t row, std::size_t begin, std::size_t end, std::uint8_t* to) const {
    constexpr float kLineOpacity = 0.75F;
    for (std::size_t at = begin; at < end; ++at) {
      const float inside = x.inside[at] * y.inside[row];
      const float line = kLineOpacity * (x.outer[at] * y.outer[row] - x.inner[at] * y.inner[row]);
      for (std::size_t c = 0; c < 3; ++c) {
        const auto seen = static_cast<float>(to[3 * at + c]);
        const float value = inside * seen + (1.0F - inside) * static_cast<float>(dimmed(from + 3 * at, c));
        to[3 * at + c] = static_cast<std::uint8_t>(std::clamp(value + line * (255.0F - value) + 0.5F, 0.0F, 255.0F));
      }
    }
  }
};

}  // namespace

void paint_seen(const Image& original, const SeenArea& seen, MapInk& ink, int left, Image& canvas) {
  const Size size = original.size();
  const double half_line = std::max(0.6, std::sqrt(static_cast<double>(size.height) * size.width) / 1000.0);
  const Frame frame{make_frame_axis(size.width, seen.left, seen.right, half_line),
                    make_frame_axis(size.height, seen.top, seen.bottom, half_line)};
  const auto width = static_cast<std::size_t>(size.width);
  for (int y = 0; y < size.height; ++y) {
    const auto row = static_cast<std::size_t>(y);
    const std::uint8_t* from = original.row(y);
    std::uint8_t* to = canvas.row(y) + std::ptrdiff_t{3} * left;
    if (row < frame.y.outer_begin || row >= frame.y.outer_end) {
      dim(from, 0, width, to);
      continue;
    }
    ink.paint(y, from, frame.x.outer_begin, frame.x.outer_end, to);
    const bool crosses_line = row < frame.y.inner_begin || row >= frame.y.inner_end;
    const std::size_t clear_begin = crosses_line ? frame.x.outer_end : frame.x.inner_begin;
    const std::size_t clear_end = crosses_line ? frame.x.outer_end : frame.x.inner_end;
    dim(from, 0, frame.x.outer_begin, to);
    frame.mix(from, row, frame.x.outer_begin, clear_begin, to);
    frame.mix(from, row, clear_end, frame.x.outer_end, to);
    dim(from, frame.x.outer_end, width, to);
  }
}

}  // namespace fovea
