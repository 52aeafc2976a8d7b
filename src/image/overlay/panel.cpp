#include "image/overlay/panel.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "image/overlay/canvas.hpp"
#include "image/overlay/caption.hpp"

namespace fovea {
namespace {

constexpr int kCellSide = 480;  // px
constexpr std::size_t kMostAcross = 4;
constexpr int kGap = 6;  // px

/// Arranges cells of one width in rows; each row is as high as its highest cell.
Image in_rows(const std::vector<Image>& cells) {
  const std::size_t rows = (cells.size() + kMostAcross - 1) / kMostAcross;
  const std::size_t across = (cells.size() + rows - 1) / rows;
  std::vector<int> tops(rows + 1, 0);
  for (std::size_t row = 0; row < rows; ++row) {
    int height = 0;
    for (std::size_t i = row * across; i < std::min((row + 1) * across, cells.size()); ++i) {
      height = std::max(height, cells[i].size().height);
    }
    tops[row + 1] = tops[row] + height + kGap;
  }
  const int step = cells.front().size().width + kGap;
  Image panel = filled({tops.back() - kGap, static_cast<int>(across) * step - kGap}, kCanvasLevel);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    paste(cells[i], tops[i / across], static_cast<int>(i % across) * step, panel);
  }
  return panel;
}

}  // namespace

Image draw_panel(const Image& original, const CropGeometry& geometry, std::span<const PanelMap> maps,
                 const OverlayStyle& style, const OverlayCaption& caption, std::span<const float> kept) {
  const Image small = thumbnail(original, style.longest_side > 0 ? std::min(style.longest_side, kCellSide) : kCellSide);
  CropGeometry small_geometry = geometry;  // only ratios to the original's sides are used
  small_geometry.original = small.size();
  OverlayStyle cell_style = style;
  cell_style.side_by_side = false;
  cell_style.caption = true;
  std::vector<Image> cells;
  cells.reserve(maps.size() + 1);
  Canvas first = with_caption(small.size(), caption, {});
  paste(small, 0, first.left, first.image);
  cells.push_back(std::move(first.image));
  for (const PanelMap& map : maps) {
    cells.push_back(draw_overlay(small, map.map, small_geometry, cell_style, map.caption, kept, map.is_signed));
  }
  return in_rows(cells);
}

}  // namespace fovea
