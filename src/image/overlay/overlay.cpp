#include "image/overlay/overlay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include "fovea/error.hpp"
#include "image/overlay/canvas.hpp"
#include "image/overlay/caption.hpp"
#include "image/overlay/field.hpp"
#include "image/overlay/ignored.hpp"
#include "image/overlay/ink.hpp"
#include "image/overlay/memo.hpp"
#include "image/preprocess/resample.hpp"

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

std::vector<std::uint8_t> opencv_scale(int colormap) {
  cv::Mat levels(1, 256, CV_8UC1);
  for (int i = 0; i < 256; ++i) levels.at<std::uint8_t>(0, i) = static_cast<std::uint8_t>(i);
  cv::Mat colors;
  cv::applyColorMap(levels, colors, colormap);
  cv::cvtColor(colors, colors, cv::COLOR_BGR2RGB);
  return {colors.datastart, colors.dataend};
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

/// Draws the map over the picture, whose upper left corner is at (0, left) of the canvas.
void draw_map(const Image& original, MatrixView<const float> map, const CropGeometry& geometry,
              const OverlayStyle& style, const std::vector<std::uint8_t>& colors, bool is_signed, int left,
              Image& canvas) {
  std::vector<float> positive(is_signed && style.style != MapStyle::kHeat ? map.values().size() : 0);
  if (!positive.empty()) {
    std::transform(map.values().begin(), map.values().end(), positive.begin(),
                   [](float value) { return std::max(value, 0.0F); });
    return draw_map(original, {positive, map.rows(), map.cols()}, geometry, style, colors, false, left, canvas);
  }
  const HeatField field(map, geometry, is_signed);
  const SeenArea seen = seen_area(geometry);
  const auto ink = [&] {
    switch (style.style) {
      case MapStyle::kHeat: break;
      case MapStyle::kMask: return mask_ink(field, style.mask_threshold);
      case MapStyle::kContour:
        return contour_ink(field, original.size(), contour_levels(map.values()), contour_colors(colors));
    }
    return heat_ink(field, colors, style.alpha, is_signed);
  }();
  paint_seen(original, seen, *ink, left, canvas);
}

}  // namespace

std::span<const std::string_view> colormap_names() {
  return kColormapNames;
}

std::vector<std::uint8_t> color_scale(std::string_view colormap, bool is_signed) {
  if (colormap == kAuto) colormap = is_signed ? kDiverging : kColormapNames[1];
  const auto found = std::find(kColormapNames.begin(), kColormapNames.end(), colormap);
  if (found == kColormapNames.end()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("colour map is '{}', expected one of {}", colormap, fmt::join(kColormapNames, ", ")));
  }
  static Memo<std::string_view, std::vector<std::uint8_t>> scales(kColormapNames.size());
  return *scales.get(*found, [&] {
    if (colormap == kDiverging) return coolwarm();
    return opencv_scale(kColormaps[static_cast<std::size_t>(found - kColormapNames.begin()) - 1]);
  });
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
  if (style.longest_side > 0 && std::max(original.size().height, original.size().width) > style.longest_side) {
    CropGeometry smaller = geometry;  // only ratios to the original's sides are used
    const Image small = thumbnail(original, style.longest_side);
    smaller.original = small.size();
    return draw_overlay(small, map, smaller, style, caption, kept, is_signed);
  }
  const std::vector<std::uint8_t> colors = color_scale(style.colormap, is_signed);
  try {
    const Size size = original.size();
    const int gap = std::max(2, size.width / 100);
    const int before = style.side_by_side ? size.width + gap : 0;  // px, left of the map
    const Size pictures{size.height, before + size.width};
    Canvas canvas = style.caption ? with_caption(pictures, caption, scale_of(style, colors, is_signed))
                                  : Canvas{filled(pictures, kCanvasLevel), 0};
    if (style.side_by_side) paste(original, 0, canvas.left, canvas.image);
    Image darkened;
    if (!kept.empty()) {
      darkened = original;
      darken_ignored(kept, {map.rows(), map.cols()}, geometry, darkened);
    }
    draw_map(kept.empty() ? original : darkened, map, geometry, style, colors, is_signed, canvas.left + before,
             canvas.image);
    return std::move(canvas.image);
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
  return resample(image, {shrunk(from.height), shrunk(from.width)}, {.filter = Interpolation::kHamming});
}

}  // namespace fovea
