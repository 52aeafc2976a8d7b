// Draws a roofline as SVG: axes and roofs, then points, then names where they overlap nothing else.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <string_view>

#include "report/files/roofline.hpp"

namespace fovea {
namespace {

constexpr double kWidth = 900;  // px, as are all lengths here
constexpr double kHeight = 580;
constexpr double kLetter = 6.7;  // upper limit of a letter's mean width in the names
constexpr double kLine = 15;     // height of a line of text

constexpr std::string_view kStyle = R"(
:root { --page: #ffffff; --text: #18181d; --soft: #676773; --grid: #e6e6ec; --roof: #18181d; --point: #c2410c; }
@media (prefers-color-scheme: dark) {
  :root { --page: #101014; --text: #eeeef3; --soft: #a3a3b0; --grid: #2b2b36; --roof: #eeeef3; --point: #ff9a5c; }
}
text { font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; fill: var(--text); }
.page { fill: var(--page); }
.title { font-size: 17px; font-weight: 600; }
.soft { fill: var(--soft); }
.grid { stroke: var(--grid); stroke-width: 1; }
.roof { stroke: var(--roof); stroke-width: 1.8; fill: none; }
.lower { stroke-dasharray: 7 5; }
.point { fill: var(--point); fill-opacity: 0.55; stroke: var(--point); stroke-width: 1.2; }
.name { paint-order: stroke; stroke: var(--page); stroke-width: 3px; stroke-linejoin: round; }
.leader { stroke: var(--soft); stroke-width: 0.8; }
)";

struct Place {
  double x = 0;
  double y = 0;
};

struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
  [[nodiscard]] bool overlaps(const Box& other) const noexcept {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
  [[nodiscard]] bool holds(const Box& other) const noexcept {
    return left <= other.left && other.right <= right && top <= other.top && other.bottom <= bottom;
  }
};

constexpr Box kPlot{84, 72, 872, 510};

std::string escaped(std::string_view text) {
  std::string xml;
  xml.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': xml += "&amp;"; break;
      case '<': xml += "&lt;"; break;
      case '>': xml += "&gt;"; break;
      case '"': xml += "&quot;"; break;
      default: xml += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return xml;
}

/// Maps a value to a position between two ends, by its logarithm.
struct LogAxis {
  double low;
  double high;
  double at_low;
  double at_high;
  [[nodiscard]] double at(double value) const noexcept {
    return at_low + (at_high - at_low) * std::log(value / low) / std::log(high / low);
  }
  /// 1, 2 and 5 times the powers of ten in between.
  [[nodiscard]] std::vector<double> ticks() const {
    std::vector<double> ticks;
    for (int power = static_cast<int>(std::floor(std::log10(low))); std::pow(10.0, power) <= high; ++power) {
      for (const double digit : {1.0, 2.0, 5.0}) {
        const double tick = digit * std::pow(10.0, power);
        if (tick >= low && tick <= high) ticks.push_back(tick);
      }
    }
    return ticks;
  }
};

class Picture {
 public:
  explicit Picture(const Roofline& roofline) : roofline_(roofline) {
    double low_x = 1;
    double high_x = roofline.peak_gflop_per_s() / roofline.memory.gb_per_s;
    double low_y = roofline.peak_gflop_per_s() / 10;
    double high_y = roofline.peak_gflop_per_s();
    for (const RooflinePoint& point : roofline.points) {
      low_x = std::min(low_x, point.flop_per_byte());
      high_x = std::max(high_x, point.flop_per_byte());
      low_y = std::min(low_y, point.gflop_per_s());
      high_y = std::max(high_y, point.gflop_per_s());
    }
    x_ = {low_x / 2.5, high_x * 6, kPlot.left, kPlot.right};  // names stand to the right of their points
    y_ = {low_y / 2, high_y * 1.8, kPlot.bottom, kPlot.top};
  }

  std::string svg() {
    svg_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">\n"
        "<title>{2}</title>\n<style>{3}</style>\n<rect class=\"page\" width=\"{0}\" height=\"{1}\"/>\n",
        kWidth, kHeight, escaped(roofline_.title), kStyle);
    text({kPlot.left, 30}, "title", "start", roofline_.title);
    text({kPlot.left, 52}, "soft", "start",
         fmt::format("larger points take more of the time; the layers one by one take {:.0f} % of the forward pass's "
                     "{:.2f} ms",
                     100 * roofline_.layers_ms() / roofline_.forward_ms, roofline_.forward_ms));
    draw_axes();
    draw_roofs();
    draw_points();
    return svg_ + "</svg>\n";
  }

 private:
  void text(Place at, std::string_view kind, std::string_view anchor, std::string_view words, double turned = 0) {
    const std::string turn =
        turned == 0 ? "" : fmt::format(" transform=\"rotate({:.2f} {:.1f} {:.1f})\"", turned, at.x, at.y);
    svg_ += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", kind, at.x,
                        at.y, anchor, turn, escaped(words));
  }

  void line(Place from, Place to, std::string_view kind) {
    svg_ += fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kind, from.x,
                        from.y, to.x, to.y);
  }

  void draw_axes() {
    for (const double tick : x_.ticks()) {
      line({x_.at(tick), kPlot.top}, {x_.at(tick), kPlot.bottom}, "grid");
      text({x_.at(tick), kPlot.bottom + 19}, "soft", "middle", fmt::format("{:g}", tick));
    }
    for (const double tick : y_.ticks()) {
      line({kPlot.left, y_.at(tick)}, {kPlot.right, y_.at(tick)}, "grid");
      text({kPlot.left - 9, y_.at(tick) + 4}, "soft", "end", fmt::format("{:g}", tick));
    }
    text({(kPlot.left + kPlot.right) / 2, kPlot.bottom + 44}, "axis", "middle",
         "arithmetic intensity, FLOP / byte of compulsory traffic");
    text({28, (kPlot.top + kPlot.bottom) / 2}, "axis", "middle", "rate, GFLOP/s", -90);
  }

  /// Draws a line that names must avoid.
  void roof(Place from, Place to, std::string_view kind) {
    line(from, to, kind);
    constexpr double kStep = 4;
    const int steps = static_cast<int>(std::hypot(to.x - from.x, to.y - from.y) / kStep) + 1;
    for (int i = 0; i <= steps; ++i) {
      const double share = static_cast<double>(i) / steps;
      const Place at{from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)};
      taken_.push_back({at.x - 2, at.y - 2, at.x + 2, at.y + 2});
    }
  }

  void draw_roofs() {
    draw_bandwidth(roofline_.memory, "memory", "roof lower");
    draw_bandwidth(roofline_.cache, "cache", "roof");
    draw_peaks();
    const double top = y_.at(roofline_.peak_gflop_per_s());
    taken_.push_back({kPlot.left, kPlot.top, kPlot.right, top});  // the line from a name to its point crosses no roof
  }

  /// Draws the line up to the peak and writes its rate along it.
  void draw_bandwidth(const Bandwidth& bandwidth, std::string_view name, std::string_view kind) {
    const double begin = std::max(x_.low, y_.low / bandwidth.gb_per_s);
    const double end = roofline_.peak_gflop_per_s() / bandwidth.gb_per_s;
    const Place from{x_.at(begin), y_.at(begin * bandwidth.gb_per_s)};
    const Place to{x_.at(end), y_.at(end * bandwidth.gb_per_s)};
    roof(from, to, kind);
    const double turned = std::atan2(to.y - from.y, to.x - from.x);
    const std::string words = fmt::format("{} {:.0f} GB/s", name, bandwidth.gb_per_s);
    const Place at{from.x + 16 * std::cos(turned) + 6 * std::sin(turned),
                   from.y + 16 * std::sin(turned) - 6 * std::cos(turned)};
    text(at, "soft", "start", words, turned * 180 / std::numbers::pi);
    for (std::size_t i = 0; i < words.size(); ++i) {
      const double along = kLetter * static_cast<double>(i);
      const Place letter{at.x + along * std::cos(turned), at.y + along * std::sin(turned)};
      taken_.push_back({letter.x - 2, letter.y - 12, letter.x + 10, letter.y + 4});
    }
  }

  /// One peak is labelled at its right end and the other at its left, because the lines may coincide.
  void draw_peaks() {
    const double fma = y_.at(roofline_.fma_gflop_per_s);
    const double matmul = y_.at(roofline_.matmul_gflop_per_s);
    const auto begin = [&](double gflop_per_s) { return x_.at(gflop_per_s / roofline_.cache.gb_per_s); };
    const double matmul_begin = begin(roofline_.matmul_gflop_per_s);
    roof({begin(roofline_.fma_gflop_per_s), fma}, {kPlot.right, fma}, fma <= matmul ? "roof" : "roof lower");
    roof({matmul_begin, matmul}, {kPlot.right, matmul}, fma <= matmul ? "roof lower" : "roof");
    const bool apart = std::abs(fma - matmul) > kLine + 8;
    const auto base = [&](double y) { return (apart ? y : std::min(fma, matmul)) - 7; };
    peak_name({kPlot.right - 6, base(fma)}, "end", fmt::format("FMA peak {:.0f} GFLOP/s", roofline_.fma_gflop_per_s));
    peak_name({matmul_begin + 6, base(matmul)}, "start",
              fmt::format("large matrix products {:.0f} GFLOP/s", roofline_.matmul_gflop_per_s));
  }

  void peak_name(Place at, std::string_view anchor, const std::string& words) {
    text(at, "soft", anchor, words);
    const double width = kLetter * static_cast<double>(words.size());
    const double left = anchor == "end" ? at.x - width : at.x;
    taken_.push_back({left, at.y - 12, left + width, at.y + 4});
  }

  [[nodiscard]] Place place_of(const RooflinePoint& point) const {
    return {x_.at(point.flop_per_byte()), y_.at(point.gflop_per_s())};
  }
  [[nodiscard]] double radius_of(const RooflinePoint& point) const {
    return std::max(3.5, 21 * std::sqrt(point.ms / roofline_.layers_ms()));
  }

  void draw_points() {
    for (const RooflinePoint& point : roofline_.points) {
      const auto [x, y] = place_of(point);
      const double radius = radius_of(point);
      svg_ += fmt::format(
          "<circle class=\"point\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"><title>{}: {:.3f} ms, {:.1f} GFLOP/s, "
          "{:.1f} GB/s</title></circle>\n",
          x, y, radius, escaped(point.name), point.ms, point.gflop_per_s(), point.gb_per_s());
      taken_.push_back({x - radius, y - radius, x + radius, y + radius});
    }
    for (const RooflinePoint& point : roofline_.points) draw_name(point);
  }

  /// Writes the name beside its point, or as near as there is room and then with a line to the point.
  void draw_name(const RooflinePoint& point) {
    const Place centre = place_of(point);
    const double radius = radius_of(point);
    const double width = kLetter * static_cast<double>(point.name.size());
    const auto box_at = [&](double distance, double angle) {
      const double dx = std::cos(angle);
      const Place near{centre.x + (radius + distance) * dx, centre.y + (radius + distance) * std::sin(angle)};
      const double left = near.x - width * (1 - dx) / 2;
      return Box{left, near.y - kLine / 2, left + width, near.y + kLine / 2};
    };
    Box chosen = box_at(5, 0);
    double chosen_distance = 5;
    const auto free = [&](const Box& box) {
      return kPlot.holds(box) &&
             std::none_of(taken_.begin(), taken_.end(), [&](const Box& t) { return t.overlaps(box); });
    };
    for (int ring = 0; ring < 24 && !free(chosen); ++ring) {
      for (const int eighth : {0, 1, 7, 2, 6, 3, 5, 4}) {
        const double distance = 5 + 8.0 * ring;
        const Box box = box_at(distance, eighth * std::numbers::pi / 4);
        if (!free(box)) continue;
        chosen = box;
        chosen_distance = distance;
        break;
      }
    }
    taken_.push_back(chosen);
    const Place end{std::clamp(centre.x, chosen.left, chosen.right), std::clamp(centre.y, chosen.top, chosen.bottom)};
    if (chosen_distance > 5) line(centre, end, "leader");
    text({chosen.left, chosen.bottom - 3.5}, "name", "start", point.name);
  }

  const Roofline& roofline_;
  LogAxis x_{};
  LogAxis y_{};
  std::vector<Box> taken_;
  std::string svg_;
};

}  // namespace

double Roofline::peak_gflop_per_s() const noexcept {
  return std::max(fma_gflop_per_s, matmul_gflop_per_s);
}

double Roofline::roof_gflop_per_s(double flop_per_byte) const noexcept {
  return std::min(peak_gflop_per_s(), flop_per_byte * cache.gb_per_s);
}

double Roofline::layers_ms() const noexcept {
  double sum = 0;
  for (const RooflinePoint& point : points) sum += point.ms;
  return sum;
}

std::string roofline_svg(const Roofline& roofline) {
  return Picture(roofline).svg();
}

}  // namespace fovea
