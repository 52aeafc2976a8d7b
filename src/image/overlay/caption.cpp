#include "image/overlay/caption.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "image/overlay/canvas.hpp"
#include "image/overlay/text.hpp"

namespace fovea {
namespace {

constexpr Color kBackground{kCanvasLevel, kCanvasLevel, 30};
constexpr Color kTitle{245, 245, 247};
constexpr Color kAccent{255, 190, 92};
constexpr Color kQuiet{168, 168, 178};

void draw_scale(Image& image, int left, int top, int width, int height, const std::vector<std::uint8_t>& colors) {
  const std::size_t levels = colors.size() / 3;
  for (int x = 0; x < width; ++x) {
    const std::size_t level = static_cast<std::size_t>(x) * levels / static_cast<std::size_t>(width);
    for (int y = 0; y < height; ++y) {
      std::copy_n(colors.begin() + static_cast<std::ptrdiff_t>(3 * level), 3,
                  image.row(top + y) + static_cast<std::size_t>(left + x) * 3);
    }
  }
}

std::string percent(double probability) {
  if (!std::isfinite(probability)) return {};
  if (probability > 0.0 && probability < 0.001) return "<0.1%";
  return fmt::format("{:.1f}%", 100.0 * probability);
}

/// The lines of the caption.
struct CaptionText {
  std::vector<std::string> title;  // the label
  std::string probability;         // appended to the last line of the title
  std::vector<std::string> method;
  [[nodiscard]] std::size_t lines() const { return title.size() + method.size(); }
};

CaptionText lay_out(const OverlayCaption& caption, const TextStyle& title, const TextStyle& quiet,
                    const std::function<int(std::size_t)>& room) {
  constexpr std::size_t kTitleLines = 2;
  constexpr std::size_t kVariantLines = 3;
  CaptionText text;
  const std::string label = to_drawable(caption.label);
  text.probability = label.empty() && caption.probability <= 0.0 ? "" : percent(caption.probability);
  const int reserved = text.probability.empty() ? 0 : text_width(text.probability, title) + title.cap_height;
  text.title = {label};
  if (text_width(label, title) > room(0) - reserved) {
    text.title = wrapped(label, title, kTitleLines,
                         [&](std::size_t i) { return room(i) - (i + 1 == kTitleLines ? reserved : 0); });
    if (text.title.size() == 1) text.title.front() = shortened(label, title, room(0) - reserved);  // one long word
  }

  const std::size_t first = text.title.size();
  const std::string method = to_drawable(caption.method);
  const std::string variant = to_drawable(caption.variant);
  const std::string both =
      method.empty() || variant.empty() ? method + variant : fmt::format("{} ({})", method, variant);
  text.method = {both};
  if (text_width(both, quiet) <= room(first)) return text;
  text.method = wrapped(method, quiet, 1, [&](std::size_t) { return room(first); });
  const std::size_t next = first + text.method.size();
  for (std::string& line : wrapped(variant, quiet, kVariantLines, [&](std::size_t i) { return room(next + i); })) {
    text.method.push_back(std::move(line));
  }
  return text;
}

}  // namespace

Image caption_strip(int width, Size picture, const OverlayCaption& caption, const CaptionScale& scale) {
  constexpr int kSmallestCap = 9;
  const double reference = std::min(width, picture.height * 8 / 5);
  const int cap = std::max(kSmallestCap, static_cast<int>(std::lround(reference * 0.023)));
  const TextStyle title{cap, true, kTitle};
  const TextStyle quiet{std::max(kSmallestCap - 1, cap * 4 / 5), false, kQuiet};
  const int margin = cap * 5 / 4;
  const int line = cap * 2;

  // The scale stands beside the first two lines if it fits there, else on its own line.
  const bool drawn = !scale.colors.empty();
  const bool beside = drawn && width >= 40 * cap;
  const int low_width = text_width(scale.low, quiet);
  const int high_width = text_width(scale.high, quiet);
  const int bar_width = beside ? std::max(std::min(width * 6 / 25, 16 * cap), low_width + cap + high_width)
                               : width - 2 * margin - low_width - high_width - 2 * cap;
  const CaptionText text = lay_out(caption, title, quiet, [&](std::size_t i) {
    return beside && i < 2 ? width - bar_width - 3 * margin : width - 2 * margin;
  });
  const int text_lines = static_cast<int>(text.lines());
  const int lines = beside ? std::max(2, text_lines) : text_lines + (drawn ? 1 : 0);
  Image strip({2 * margin + cap + (lines - 1) * line, width});
  for (int x = 0; x < width; ++x)
    std::copy(kBackground.begin(), kBackground.end(), strip.row(0) + std::ptrdiff_t{3} * x);
  for (int y = 1; y < strip.size().height; ++y) std::copy_n(strip.row(0), strip.row_bytes(), strip.row(y));

  int baseline = margin + cap;
  for (const std::string& words : text.title) {
    draw_text(strip, words, margin, baseline, title);
    baseline += line;
  }
  const int after = text.title.back().empty() ? margin : margin + text_width(text.title.back(), title) + cap;
  draw_text(strip, text.probability, after, baseline - line, {cap, true, kAccent});
  for (const std::string& words : text.method) {
    draw_text(strip, words, margin, baseline, quiet);
    baseline += line;
  }
  if (beside) {
    const int left = width - margin - bar_width;
    draw_scale(strip, left, margin, bar_width, cap, scale.colors);
    draw_text(strip, scale.low, left, margin + cap + line, quiet);
    draw_text(strip, scale.high, left + bar_width - high_width, margin + cap + line, quiet);
  } else if (drawn) {
    const int left = margin + low_width + cap;
    draw_text(strip, scale.low, margin, baseline, quiet);
    draw_scale(strip, left, baseline - quiet.cap_height, bar_width, quiet.cap_height, scale.colors);
    draw_text(strip, scale.high, left + bar_width + cap, baseline, quiet);
  }
  return strip;
}

Canvas with_caption(Size picture, const OverlayCaption& caption, const CaptionScale& scale) {
  const int width = std::max(picture.width, kNarrowestCaption);
  const Image strip = caption_strip(width, picture, caption, scale);
  Canvas canvas{filled({picture.height + strip.size().height, width}, kCanvasLevel), (width - picture.width) / 2};
  paste(strip, picture.height, 0, canvas.image);
  return canvas;
}

}  // namespace fovea
