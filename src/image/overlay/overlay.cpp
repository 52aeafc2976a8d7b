#include "image/overlay/overlay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "fovea/error.hpp"
#include "image/overlay/canvas.hpp"
#include "image/overlay/caption.hpp"
#include "image/overlay/field.hpp"
#include "image/overlay/ignored.hpp"
#include "image/overlay/ink.hpp"

namespace fovea {
namespace {

constexpr std::string_view kAuto = "auto";
constexpr std::string_view kDiverging = "coolwarm";
constexpr std::array<std::string_view, 7> kColormapNames{kAuto,   "inferno", "turbo",   "viridis",
                                                         "magma", "jet",     kDiverging};
constexpr std::array kColormaps{cv::COLORMAP_INFERNO, cv::COLORMAP_TURBO, cv::COLORMAP_VIRIDIS, cv::COLORMAP_MAGMA,
                                cv::COLORMAP_JET};  // of the names from the second on
static_assert(kColormapNames.size() == kColormaps.size() + 2);

/// Moreland 2009, Diverging Color Maps for Scientific Visualization: five of its colours, and between them straight
/// lines. OpenCV has no diverging map.
std::vector<std::uint8_t> coolwarm() {
  constexpr std::array<std::array<double, 3>, 5> kStops{
      {{59, 76, 192}, {141, 176, 254}, {221, 221, 221}, {244, 152, 122}, {180, 4, 38}}};
  std::vector<std::uint8_t> colors;
  colors.reserve(std::size_t{3} * 256);
  for (int level = 0; level < 256; ++level) {
    const double at = level * static_cast<double>(kStops.size() - 1) / 255.0;
    const std::size_t lower = std::min(static_cast<std::size_t>(at), kStops.size() - 2);
    const double part = at - static_cast<double>(lower);
    for (std::size_t c = 0; c < 3; ++c) {
      const double color = kStops[lower][c] * (1.0 - part) + kStops[lower + 1][c] * part;
      colors.push_back(static_cast<std::uint8_t>(std::lround(color)));
    }
  }
  return colors;
}

/// The legend of the strip below the picture.
CaptionScale scale_of(const OverlayStyle& style, const std::vector<std::uint8_t>& colors, bool is_signed) {
  switch (style.style) {
    case MapStyle::kHeat:
      if (is_signed) return {colors, "against", "for"};
      break;
    case MapStyle::kContour: return {contour_colors(colors), "top 50%", "top 10%"};
    case MapStyle::kMask: {
      CaptionScale scale{std::vector<std::uint8_t>(colors.size(), 225)};
      const auto hidden = static_cast<std::ptrdiff_t>(std::lround(style.mask_threshold * 256.0));
      std::fill_n(scale.colors.begin(), 3 * std::clamp<std::ptrdiff_t>(hidden, 0, 256), std::uint8_t{68});
      return scale;
    }
  }
  return {colors};
}

Image draw_map(const Image& original, MatrixView<const float> map, const CropGeometry& geometry,
               const OverlayStyle& style, const std::vector<std::uint8_t>& colors, bool is_signed) {
  std::vector<float> positive(is_signed && style.style != MapStyle::kHeat ? map.values().size() : 0);
  if (!positive.empty()) {
    std::transform(map.values().begin(), map.values().end(), positive.begin(),
                   [](float value) { return std::max(value, 0.0F); });
    return draw_map(original, {positive, map.rows(), map.cols()}, geometry, style, colors, false);
  }
  const HeatField field(map, geometry, is_signed);
  const SeenArea seen = seen_area(geometry);
  switch (style.style) {
    case MapStyle::kHeat: break;
    case MapStyle::kMask: return paint_seen(original, seen, *mask_ink(field, style.mask_threshold));
    case MapStyle::kContour:
      return paint_seen(original, seen,
                        *contour_ink(field, original.size(), contour_levels(map.values()), contour_colors(colors)));
  }
  return paint_seen(original, seen, *heat_ink(field, colors, style.alpha, is_signed));
}

Image beside(const Image& left, const Image& right) {
  const int gap = std::max(2, left.size().width / 100);
  Image both = filled({left.size().height, left.size().width + gap + right.size().width}, 24);
  paste(left, 0, 0, both);
  paste(right, 0, left.size().width + gap, both);
  return both;
}

}  // namespace

std::span<const std::string_view> colormap_names() {
  return kColormapNames;
}

std::vector<std::uint8_t> color_scale(std::string_view colormap, bool is_signed) {
  if (colormap == kAuto) colormap = is_signed ? kDiverging : kColormapNames[1];
  if (colormap == kDiverging) return coolwarm();
  const auto found = std::find(kColormapNames.begin(), kColormapNames.end(), colormap);
  if (found == kColormapNames.end()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("colour map is '{}', expected one of {}", colormap, fmt::join(kColormapNames, ", ")));
  }
  cv::Mat levels(1, 256, CV_8UC1);
  for (int i = 0; i < 256; ++i) levels.at<std::uint8_t>(0, i) = static_cast<std::uint8_t>(i);
  cv::Mat colors;
  cv::applyColorMap(levels, colors, kColormaps[static_cast<std::size_t>(found - kColormapNames.begin()) - 1]);
  cv::cvtColor(colors, colors, cv::COLOR_BGR2RGB);
  return {colors.datastart, colors.dataend};
}

Image draw_overlay(const Image& original, MatrixView<const float> map, const CropGeometry& geometry,
                   const OverlayStyle& style, const OverlayCaption& caption, std::span<const float> kept,
                   bool is_signed) {
  if (original.empty() || original.size() != geometry.original || map.values().empty() ||
      geometry.resized.height <= 0 || geometry.resized.width <= 0 || geometry.crop.height <= 0 ||
      geometry.crop.width <= 0) {
    throw Error(
        ErrorCode::kShape,
        fmt::format("overlay: picture is {}x{} px and the map is {}x{}, expected {}x{} px and at least one patch",
                    original.size().width, original.size().height, map.rows(), map.cols(), geometry.original.width,
                    geometry.original.height));
  }
  const std::vector<std::uint8_t> colors = color_scale(style.colormap, is_signed);
  try {
    Image ground = original;
    if (!kept.empty()) darken_ignored(kept, {map.rows(), map.cols()}, geometry, ground);
    Image picture = draw_map(ground, map, geometry, style, colors, is_signed);
    if (style.side_by_side) picture = beside(original, picture);
    return style.caption ? with_caption(picture, caption, scale_of(style, colors, is_signed)) : picture;
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
  // cv::Mat has no pointers to const; resize only reads its source.
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
