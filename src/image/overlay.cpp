#include "image/overlay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include "fovea/error.hpp"
#include "image/overlay_caption.hpp"
#include "image/overlay_field.hpp"

namespace fovea {
namespace {

constexpr std::array<std::string_view, 5> kColormapNames{"inferno", "turbo", "viridis", "magma", "jet"};
constexpr std::array kColormaps{cv::COLORMAP_INFERNO, cv::COLORMAP_TURBO, cv::COLORMAP_VIRIDIS, cv::COLORMAP_MAGMA,
                                cv::COLORMAP_JET};
static_assert(kColormapNames.size() == kColormaps.size());

/// 256 RGB triples, low to high.
std::vector<std::uint8_t> color_scale(std::string_view name) {
  const auto found = std::find(kColormapNames.begin(), kColormapNames.end(), name);
  if (found == kColormapNames.end()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("colour map is '{}', expected one of {}", name, fmt::join(kColormapNames, ", ")));
  }
  cv::Mat levels(1, 256, CV_8UC1);
  for (int i = 0; i < 256; ++i) levels.at<std::uint8_t>(0, i) = static_cast<std::uint8_t>(i);
  cv::Mat colors;
  cv::applyColorMap(levels, colors, kColormaps[static_cast<std::size_t>(found - kColormapNames.begin())]);
  cv::cvtColor(colors, colors, cv::COLOR_BGR2RGB);
  return {colors.datastart, colors.dataend};
}

/// What a level of heat does to a pixel, per channel: (pixel · keep + gray · keep_gray + add) >> 16, where gray is the
/// pixel's brightness.
struct Blend {
  std::uint32_t keep = 0;
  std::uint32_t keep_gray = 0;
  std::array<std::uint32_t, 3> add{};
};
constexpr std::size_t kLevels = 1024;  // finer than 8 bits, so that large smooth maps show no bands
constexpr double kOne = 65536.0;       // fixed point

std::vector<Blend> blend_table(const std::vector<std::uint8_t>& scale, double alpha) {
  alpha = std::clamp(alpha, 0.0, 1.0);
  std::vector<Blend> table(kLevels);
  for (std::size_t i = 0; i < kLevels; ++i) {
    const double heat = static_cast<double>(i) / (kLevels - 1);
    // Cold places keep more of the photograph; at alpha 1 nothing of it is kept anywhere.
    const double opacity = alpha * (1.0 - (1.0 - alpha) * (1.0 - heat));
    const double at = heat * 255.0;
    const auto lower = static_cast<std::size_t>(at);
    const std::size_t upper = std::min<std::size_t>(lower + 1, 255);
    const double part = at - static_cast<double>(lower);
    // The photograph loses colour as the map gains it, so that a colour seen is the map's.
    table[i].keep = static_cast<std::uint32_t>((1.0 - opacity) * (1.0 - alpha) * kOne);
    table[i].keep_gray = static_cast<std::uint32_t>((1.0 - opacity) * alpha * kOne);
    for (std::size_t c = 0; c < 3; ++c) {
      const double color = scale[3 * lower + c] * (1.0 - part) + scale[3 * upper + c] * part;
      table[i].add[c] = static_cast<std::uint32_t>((opacity * color + 0.5) * kOne);
    }
  }
  return table;
}

/// How much of each pixel [i, i + 1) lies in [begin, end): a box with soft edges.
std::vector<float> coverage(int pixels, double begin, double end) {
  std::vector<float> covered(static_cast<std::size_t>(pixels));
  for (int i = 0; i < pixels; ++i) {
    covered[static_cast<std::size_t>(i)] =
        static_cast<float>(std::clamp(std::min(i + 1.0, end) - std::max<double>(i, begin), 0.0, 1.0));
  }
  return covered;
}

/// Along one axis: the box that the model saw, and the thin line around it. The line is what lies in the outer box but
/// not in the inner one.
struct FrameAxis {
  std::vector<float> inside, outer, inner;  // how much of each pixel
  std::size_t outer_begin = 0, inner_begin = 0, inner_end = 0, outer_end = 0;
};

FrameAxis make_frame_axis(int pixels, double begin, double end, double half_line) {
  // No line where the picture ends anyway.
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

/// Draws the map over one picture, row by row.
class HeatPainter {
 public:
  HeatPainter(const Image& original, const HeatField& field, std::vector<Blend> table, const SeenArea& seen)
      : original_(original), field_(field), table_(std::move(table)) {
    const Size size = original.size();
    const double half_line = std::max(0.6, std::sqrt(static_cast<double>(size.height) * size.width) / 1000.0);
    x_ = make_frame_axis(size.width, seen.left, seen.right, half_line);
    y_ = make_frame_axis(size.height, seen.top, seen.bottom, half_line);
  }

  [[nodiscard]] Image paint() const {
    Image out(original_.size());
    const std::size_t width = x_.inside.size();
    std::vector<float> heat(width);
    for (int y = 0; y < original_.size().height; ++y) {
      const auto row = static_cast<std::size_t>(y);
      const std::uint8_t* from = original_.row(y);
      std::uint8_t* to = out.row(y);
      if (row < y_.outer_begin || row >= y_.outer_end) {
        dim(from, 0, width, to);
        continue;
      }
      field_.row(y, heat);
      const bool crosses_line = row < y_.inner_begin || row >= y_.inner_end;
      const std::size_t blend_begin = crosses_line ? x_.outer_end : x_.inner_begin;
      const std::size_t blend_end = crosses_line ? x_.outer_end : x_.inner_end;
      dim(from, 0, x_.outer_begin, to);
      mix(from, heat, row, x_.outer_begin, blend_begin, to);
      blend(from, heat, blend_begin, blend_end, to);
      mix(from, heat, row, blend_end, x_.outer_end, to);
      dim(from, x_.outer_end, width, to);
    }
    return out;
  }

 private:
  [[nodiscard]] const Blend& blend_at(float heat) const {
    constexpr float kHalf = 0.5F;  // heat is not negative: adding a half and truncating rounds
    return table_[static_cast<std::size_t>(heat * (kLevels - 1) + kHalf)];
  }

  /// Wholly inside.
  void blend(const std::uint8_t* from, const std::vector<float>& heat, std::size_t begin, std::size_t end,
             std::uint8_t* to) const {
    for (std::size_t x = begin; x < end; ++x) {
      const Blend& level = blend_at(heat[x]);
      const std::uint32_t gray = brightness(from + 3 * x) * level.keep_gray;
      for (std::size_t c = 0; c < 3; ++c) {
        to[3 * x + c] = static_cast<std::uint8_t>((from[3 * x + c] * level.keep + gray + level.add[c]) >> 16);
      }
    }
  }

  static std::uint32_t brightness(const std::uint8_t* pixel) {
    return (77U * pixel[0] + 150U * pixel[1] + 29U * pixel[2]) >> 8;
  }

  /// A pixel of the margin: nearly grey, and dark, but recognisable.
  static std::uint32_t dimmed(const std::uint8_t* pixel, std::size_t c) {
    return (75U * brightness(pixel) + 32U * pixel[c]) >> 8;
  }

  static void dim(const std::uint8_t* from, std::size_t begin, std::size_t end, std::uint8_t* to) {
    for (std::size_t x = begin; x < end; ++x) {
      for (std::size_t c = 0; c < 3; ++c) to[3 * x + c] = static_cast<std::uint8_t>(dimmed(from + 3 * x, c));
    }
  }

  /// At the border: part inside, part margin, part line.
  void mix(const std::uint8_t* from, const std::vector<float>& heat, std::size_t row, std::size_t begin,
           std::size_t end, std::uint8_t* to) const {
    constexpr float kLineOpacity = 0.75F;
    for (std::size_t x = begin; x < end; ++x) {
      const Blend& level = blend_at(heat[x]);
      const std::uint32_t gray = brightness(from + 3 * x) * level.keep_gray;
      const float inside = x_.inside[x] * y_.inside[row];
      const float line = kLineOpacity * (x_.outer[x] * y_.outer[row] - x_.inner[x] * y_.inner[row]);
      for (std::size_t c = 0; c < 3; ++c) {
        const auto seen = static_cast<float>((from[3 * x + c] * level.keep + gray + level.add[c]) >> 16);
        const float value = inside * seen + (1.0F - inside) * static_cast<float>(dimmed(from + 3 * x, c));
        to[3 * x + c] = static_cast<std::uint8_t>(std::clamp(value + line * (255.0F - value) + 0.5F, 0.0F, 255.0F));
      }
    }
  }

  const Image& original_;
  const HeatField& field_;
  std::vector<Blend> table_;
  FrameAxis x_, y_;
};

void paste(const Image& part, int top, int left, Image& canvas) {
  for (int y = 0; y < part.size().height; ++y) {
    std::copy_n(part.row(y), part.row_bytes(), canvas.row(top + y) + static_cast<std::size_t>(left) * 3);
  }
}

Image filled(Size size, std::uint8_t level) {
  Image image(size);
  std::fill(image.pixels().begin(), image.pixels().end(), level);
  return image;
}

Image beside(const Image& left, const Image& right) {
  const int gap = std::max(2, left.size().width / 100);
  Image both = filled({left.size().height, left.size().width + gap + right.size().width}, 24);
  paste(left, 0, 0, both);
  paste(right, 0, left.size().width + gap, both);
  return both;
}

/// The strip below the picture; a picture too narrow for any text stands in the middle of a wider canvas.
Image with_caption(const Image& picture, const OverlayCaption& caption, const std::vector<std::uint8_t>& scale) {
  const int width = std::max(picture.size().width, kNarrowestCaption);
  const Image strip = caption_strip(width, picture.size(), caption, scale);
  Image canvas = filled({picture.size().height + strip.size().height, width}, 24);
  paste(picture, 0, (width - picture.size().width) / 2, canvas);
  paste(strip, picture.size().height, 0, canvas);
  return canvas;
}

}  // namespace

std::span<const std::string_view> colormap_names() {
  return kColormapNames;
}

Image draw_overlay(const Image& original, MatrixView<const float> map, const CropGeometry& geometry,
                   const OverlayStyle& style, const OverlayCaption& caption) {
  if (original.empty() || original.size() != geometry.original || map.values().empty() ||
      geometry.resized.height <= 0 || geometry.resized.width <= 0 || geometry.crop.height <= 0 ||
      geometry.crop.width <= 0) {
    throw Error(ErrorCode::kShape,
                fmt::format("overlay: picture is {}x{} px and the map {}x{}, expected {}x{} px and at least one patch",
                            original.size().width, original.size().height, map.rows(), map.cols(),
                            geometry.original.width, geometry.original.height));
  }
  const std::vector<std::uint8_t> scale = color_scale(style.colormap);
  try {
    const HeatField field(map, geometry);
    Image picture = HeatPainter(original, field, blend_table(scale, style.alpha), seen_area(geometry)).paint();
    if (style.side_by_side) picture = beside(original, picture);
    return style.caption ? with_caption(picture, caption, scale) : picture;
  } catch (const cv::Exception& error) {
    throw Error(ErrorCode::kBackend, fmt::format("overlay: OpenCV failed: {}", error.what()));
  }
}

Image thumbnail(const Image& image, int side) {
  const Size from = image.size();
  const int longer = std::max(from.height, from.width);
  if (longer <= side) return image;
  const double ratio = static_cast<double>(side) / longer;
  const auto shrunk = [ratio](int length) { return std::max(1, static_cast<int>(std::lround(length * ratio))); };
  Image small({shrunk(from.height), shrunk(from.width)});
  // cv::Mat's pointers are not const; resize only reads its source.
  const cv::Mat source(from.height, from.width, CV_8UC3, const_cast<std::uint8_t*>(image.pixels().data()));
  cv::Mat target(small.size().height, small.size().width, CV_8UC3, small.pixels().data());
  try {
    cv::resize(source, target, target.size(), 0, 0, cv::INTER_AREA);
  } catch (const cv::Exception& error) {
    throw Error(ErrorCode::kBackend, fmt::format("thumbnail: OpenCV failed: {}", error.what()));
  }
  return small;
}

}  // namespace fovea
