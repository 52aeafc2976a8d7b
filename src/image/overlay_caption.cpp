#include "image/overlay_caption.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace fovea {
namespace {

using Color = std::array<std::uint8_t, 3>;
constexpr Color kBackground{24, 24, 30};
constexpr Color kTitle{245, 245, 247};
constexpr Color kAccent{255, 190, 92};
constexpr Color kQuiet{168, 168, 178};

/// Hershey's strokes look ragged at text size, so they are drawn larger and averaged down.
constexpr int kOversampling = 4;
constexpr double kCapHeight = 21.0;  // px of a capital letter at Hershey's scale 1

struct TextStyle {
  int cap_height = 12;  // px
  bool heavy = false;
  Color color = kTitle;
};

int font_of(const TextStyle& style) {
  return style.heavy ? cv::FONT_HERSHEY_DUPLEX : cv::FONT_HERSHEY_SIMPLEX;
}
double font_scale(const TextStyle& style) {
  return kOversampling * style.cap_height / kCapHeight;
}
int stroke(const TextStyle& style) {
  const double share = style.heavy ? 0.11 : 0.105;
  return std::max(1, static_cast<int>(std::lround(share * kOversampling * style.cap_height)));
}

int text_width(const std::string& text, const TextStyle& style) {
  int below = 0;
  const cv::Size size = cv::getTextSize(text, font_of(style), font_scale(style), stroke(style), &below);
  return (size.width + stroke(style) + kOversampling - 1) / kOversampling;
}

/// The text itself, or as much of its beginning as fits with three dots after it.
std::string shortened(const std::string& text, const TextStyle& style, int width) {
  if (text_width(text, style) <= width) return text;
  for (std::size_t length = text.size(); length-- > 0;) {
    std::string candidate = text.substr(0, length);
    candidate.erase(candidate.find_last_not_of(" .,(-") + 1);
    candidate += "...";
    if (text_width(candidate, style) <= width) return candidate;
  }
  return {};
}

void blend(std::uint8_t* pixel, const Color& color, int coverage) {
  for (std::size_t c = 0; c < 3; ++c) {
    pixel[c] = static_cast<std::uint8_t>((pixel[c] * (255 - coverage) + color[c] * coverage + 127) / 255);
  }
}

/// Draws with the left end of the baseline at (baseline, left); what would leave the image is cut off.
void draw_text(Image& image, const std::string& text, int left, int baseline, const TextStyle& style) {
  if (text.empty()) return;
  const int above = style.cap_height * 3 / 2;
  const int below = style.cap_height;
  cv::Mat large(kOversampling * (above + below), kOversampling * text_width(text, style), CV_8UC1, cv::Scalar(0));
  cv::putText(large, text, {stroke(style) / 2, kOversampling * above}, font_of(style), font_scale(style),
              cv::Scalar(255), stroke(style), cv::LINE_AA);
  cv::Mat mask;
  cv::resize(large, mask, {large.cols / kOversampling, large.rows / kOversampling}, 0, 0, cv::INTER_AREA);
  for (int y = 0; y < mask.rows; ++y) {
    const int row = baseline - above + y;
    if (row < 0 || row >= image.size().height) continue;
    for (int x = 0; x < mask.cols && left + x < image.size().width; ++x) {
      blend(image.row(row) + static_cast<std::size_t>(left + x) * 3, style.color, mask.at<std::uint8_t>(y, x));
    }
  }
}

void draw_scale(Image& image, int left, int top, int width, int height, const std::vector<std::uint8_t>& scale) {
  const std::size_t levels = scale.size() / 3;
  for (int x = 0; x < width; ++x) {
    const std::size_t level =
        static_cast<std::size_t>(x) * (levels - 1) / static_cast<std::size_t>(std::max(width - 1, 1));
    for (int y = 0; y < height; ++y) {
      std::copy_n(scale.begin() + static_cast<std::ptrdiff_t>(3 * level), 3,
                  image.row(top + y) + static_cast<std::size_t>(left + x) * 3);
    }
  }
}

std::string percent(double probability) {
  if (!std::isfinite(probability)) return {};
  if (probability > 0.0 && probability < 0.001) return "<0.1%";
  return fmt::format("{:.1f}%", 100.0 * probability);
}

/// Label and probability side by side; the label gives way.
void draw_title(Image& strip, int left, int width, int baseline, TextStyle style, const OverlayCaption& caption) {
  const std::string label = to_drawable(caption.label);
  const std::string probability = label.empty() && caption.probability <= 0.0 ? "" : percent(caption.probability);
  const int gap = label.empty() ? 0 : style.cap_height;
  const int reserved = probability.empty() ? 0 : text_width(probability, style) + gap;
  const std::string shown = shortened(label, style, width - reserved);
  draw_text(strip, shown, left, baseline, style);
  const int after = shown.empty() ? left : left + text_width(shown, style) + gap;
  style.color = kAccent;
  draw_text(strip, probability, after, baseline, style);
}

std::string method_line(const OverlayCaption& caption) {
  std::string method = to_drawable(caption.method);
  std::string variant = to_drawable(caption.variant);
  if (variant.empty()) return method;
  return method.empty() ? variant : fmt::format("{} ({})", method, variant);
}

}  // namespace

Image caption_strip(int width, Size picture, const OverlayCaption& caption, const std::vector<std::uint8_t>& scale) {
  constexpr int kSmallestCap = 9;
  const double reference = std::min(width, picture.height * 8 / 5);
  const int cap = std::max(kSmallestCap, static_cast<int>(std::lround(reference * 0.023)));
  const TextStyle title{cap, true, kTitle};
  const TextStyle quiet{std::max(kSmallestCap - 1, cap * 4 / 5), false, kQuiet};
  const int margin = cap * 5 / 4;
  const int line = cap * 2;

  // Beside the text where there is room for it, else on a line of its own.
  const bool beside = width >= 40 * cap;
  const int bar_width = beside ? std::min(width * 6 / 25, 16 * cap)
                               : width - 2 * margin - text_width("low", quiet) - text_width("high", quiet) - 2 * cap;
  const int text_room = beside ? width - bar_width - 3 * margin : width - 2 * margin;
  const int lines = beside ? 2 : 3;
  Image strip({2 * margin + cap + (lines - 1) * line, width});
  for (std::size_t i = 0; i < strip.pixels().size(); ++i) strip.pixels()[i] = kBackground[i % 3];

  const int first = margin + cap;
  draw_title(strip, margin, text_room, first, title, caption);
  draw_text(strip, shortened(method_line(caption), quiet, text_room), margin, first + line, quiet);
  if (beside) {
    const int left = width - margin - bar_width;
    draw_scale(strip, left, margin, bar_width, cap, scale);
    draw_text(strip, "low", left, first + line, quiet);
    draw_text(strip, "high", left + bar_width - text_width("high", quiet), first + line, quiet);
  } else {
    const int baseline = first + 2 * line;
    const int left = margin + text_width("low", quiet) + cap;
    draw_text(strip, "low", margin, baseline, quiet);
    draw_scale(strip, left, baseline - quiet.cap_height, bar_width, quiet.cap_height, scale);
    draw_text(strip, "high", left + bar_width + cap, baseline, quiet);
  }
  return strip;
}

}  // namespace fovea
