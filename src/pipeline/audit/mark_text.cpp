#include "pipeline/audit/mark_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdint>
#include <vector>

#include "pipeline/audit/shrunk.hpp"

namespace fovea {
namespace {

/// "the upper left"
std::string place_text(const learn::RelativeBox& box) {
  const double down = (box.top + box.bottom) / 2;
  const double right = (box.left + box.right) / 2;
  const std::string row = down < 1.0 / 3 ? "upper" : down > 2.0 / 3 ? "lower" : "middle";
  const std::string col = right < 1.0 / 3 ? " left" : right > 2.0 / 3 ? " right" : row == "middle" ? "" : " middle";
  return "the " + row + col;
}

std::string colour_text(const std::array<std::uint8_t, 3>& colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour[0], colour[1], colour[2]);
}

std::string frame_text(const learn::Frame& frame) {
  constexpr std::array<const char*, 4> kEdges{"top", "right", "bottom", "left"};
  std::vector<std::string> edges;
  std::size_t widest = 0;
  for (std::size_t edge = 0; edge < 4; ++edge) {
    if (frame.width[edge] == 0) continue;
    edges.emplace_back(kEdges[edge]);
    if (frame.width[edge] > frame.width[widest]) widest = edge;
  }
  const double share = static_cast<double>(frame.width[widest]) / kMarkSide;
  const std::string where = edges.size() == 4 ? "all edges" : fmt::format("{}", fmt::join(edges, ", "));
  return fmt::format("a border of {}, {:.0f} % of the picture wide, at {}", colour_text(frame.colour[widest]),
                     100 * share, where);
}

}  // namespace

std::string kind_text(MarkKind kind) {
  switch (kind) {
    case MarkKind::kPattern: return "fixed mark";
    case MarkKind::kFrame: return "border";
    case MarkKind::kTint:
    case MarkKind::kCast: return "tint";
  }
  return {};
}

std::string kind_id(MarkKind kind) {
  switch (kind) {
    case MarkKind::kPattern: return "fixed-mark";
    case MarkKind::kFrame: return "border";
    case MarkKind::kTint: return "dark-tint";
    case MarkKind::kCast: return "light-tint";
  }
  return {};
}

std::string mark_text(const Mark& mark) {
  switch (mark.kind) {
    case MarkKind::kPattern: {
      const learn::RelativeBox& box = mark.region.front();
      return fmt::format("the same mark at {}, {:.0f} x {:.0f} % of the picture", place_text(box),
                         100 * (box.right - box.left), 100 * (box.bottom - box.top));
    }
    case MarkKind::kFrame: return frame_text(mark.frame);
    case MarkKind::kTint:
    case MarkKind::kCast:
      return fmt::format("a tint: in the {} pixels red is {:+.0f} and blue {:+.0f} levels from green",
                         mark.kind == MarkKind::kTint ? "darkest" : "lightest", mark.hue[0], mark.hue[1]);
  }
  return {};
}

}  // namespace fovea
