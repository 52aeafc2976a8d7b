#include "image/overlay/text.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <tuple>

#include "image/overlay/memo.hpp"

namespace fovea {
namespace {

/// Hershey's strokes look ragged at text size, so text is drawn larger and averaged down.
constexpr int kOversampling = 4;
constexpr double kCapHeight = 21.0;  // px of a capital letter at Hershey's scale 1

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

void blend(std::uint8_t* pixel, const Color& color, int coverage) {
  for (std::size_t c = 0; c < 3; ++c) {
    pixel[c] = static_cast<std::uint8_t>((pixel[c] * (255 - coverage) + color[c] * coverage + 127) / 255);
  }
}

int above_baseline(const TextStyle& style) {
  return style.cap_height * 3 / 2;  // px
}

/// What decides a text's shape. OpenCV takes a fraction of a millisecond for a word, and the pictures of a run mostly
/// have the same words below them.
using MaskKey = std::tuple<std::string, int, bool>;  // text, cap_height, heavy

/// How much of each pixel the text covers, 0 to 255: 8-bit, [2.5 * cap_height, text_width].
cv::Mat mask_of(const std::string& text, const TextStyle& style) {
  const int above = above_baseline(style);
  const int below = style.cap_height;
  cv::Mat large(kOversampling * (above + below), kOversampling * text_width(text, style), CV_8UC1, cv::Scalar(0));
  cv::putText(large, text, {stroke(style) / 2, kOversampling * above}, font_of(style), font_scale(style),
              cv::Scalar(255), stroke(style), cv::LINE_AA);
  cv::Mat mask;
  cv::resize(large, mask, {large.cols / kOversampling, large.rows / kOversampling}, 0, 0, cv::INTER_AREA);
  return mask;
}

}  // namespace

int text_width(const std::string& text, const TextStyle& style) {
  int below = 0;
  const cv::Size size = cv::getTextSize(text, font_of(style), font_scale(style), stroke(style), &below);
  return (size.width + stroke(style) + kOversampling - 1) / kOversampling;
}

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

std::vector<std::string> wrapped(const std::string& text, const TextStyle& style, std::size_t most,
                                 const std::function<int(std::size_t line)>& room) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t line = lines.size();
    if (line + 1 == most) {
      lines.push_back(shortened(text.substr(begin), style, room(line)));
      break;
    }
    std::size_t end = text.find(' ', begin);  // the first word always goes here, even if it must be cut
    for (std::size_t next = end; next != std::string::npos;) {
      next = text.find(' ', next + 1);
      if (text_width(text.substr(begin, next - begin), style) > room(line)) break;
      end = next;
    }
    end = std::min(end, text.size());
    lines.push_back(shortened(text.substr(begin, end - begin), style, room(line)));
    begin = end + 1;
  }
  return lines;
}

void draw_text(Image& image, const std::string& text, int left, int baseline, const TextStyle& style) {
  if (text.empty()) return;
  constexpr std::size_t kMostTexts = 2048;  // of some 5 kB each
  static Memo<MaskKey, cv::Mat> masks(kMostTexts);
  const auto mask = masks.get({text, style.cap_height, style.heavy}, [&] { return mask_of(text, style); });
  for (int y = 0; y < mask->rows; ++y) {
    const int row = baseline - above_baseline(style) + y;
    if (row < 0 || row >= image.size().height) continue;
    const auto* const coverage = mask->ptr<std::uint8_t>(y);
    for (int x = 0; x < mask->cols && left + x < image.size().width; ++x) {
      if (coverage[x] == 0) continue;
      blend(image.row(row) + static_cast<std::size_t>(left + x) * 3, style.color, coverage[x]);
    }
  }
}

}  // namespace fovea
