#include "image/overlay/sheet.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "image/overlay/canvas.hpp"
#include "image/overlay/caption.hpp"
#include "image/overlay/field.hpp"
#include "image/overlay/overlay.hpp"
#include "image/overlay/text.hpp"

namespace fovea {
namespace {

constexpr int kMapSide = 112;  // px, about
constexpr int kSheetGap = 4;   // px
constexpr std::uint8_t kSheetGround = 24;
const TextStyle kLabel{9, false, {190, 190, 198}};

Image draw_cells(const std::vector<float>& map, PatchGrid grid, const std::vector<std::uint8_t>& colors) {
  const std::vector<float> heat = scaled_to_one(map);
  const int side = sheet_patch_side(grid);
  Image image({static_cast<int>(grid.rows) * side, static_cast<int>(grid.cols) * side});
  for (int y = 0; y < image.size().height; ++y) {
    for (int x = 0; x < image.size().width; ++x) {
      const auto patch = static_cast<std::size_t>(y / side) * grid.cols + static_cast<std::size_t>(x / side);
      const auto level = static_cast<std::ptrdiff_t>(std::lround(heat[patch] * 255.0F));
      std::copy_n(colors.begin() + 3 * level, 3, image.row(y) + std::ptrdiff_t{3} * x);
    }
  }
  return image;
}

}  // namespace

int sheet_patch_side(PatchGrid grid) {
  return std::max(1, kMapSide / static_cast<int>(std::max(grid.rows, grid.cols)));
}

Image draw_sheet(const MapSheet& sheet, std::string_view colormap) {
  const std::vector<std::uint8_t> colors = color_scale(colormap);
  const int side = sheet_patch_side(sheet.grid);
  const Size cell{static_cast<int>(sheet.grid.rows) * side, static_cast<int>(sheet.grid.cols) * side};
  int label_width = 0;
  for (const SheetRow& row : sheet.rows) {
    label_width = std::max(label_width, text_width(to_drawable(row.label), kLabel));
  }
  const int left = label_width + 4 * kSheetGap;
  const int top = 2 * kLabel.cap_height + kSheetGap;
  const auto top_of = [&](std::size_t row) { return top + static_cast<int>(row) * (cell.height + kSheetGap); };
  const auto left_of = [&](std::size_t column) { return left + static_cast<int>(column) * (cell.width + kSheetGap); };
  Image image = filled({top_of(sheet.rows.size()), left_of(sheet.columns.size())}, kSheetGround);
  for (std::size_t c = 0; c < sheet.columns.size(); ++c) {
    const std::string label = shortened(to_drawable(sheet.columns[c]), kLabel, cell.width);
    draw_text(image, label, left_of(c), top - 2 * kSheetGap, kLabel);
  }
  for (std::size_t r = 0; r < sheet.rows.size(); ++r) {
    const int middle = top_of(r) + (cell.height + kLabel.cap_height) / 2;
    draw_text(image, to_drawable(sheet.rows[r].label), 2 * kSheetGap, middle, kLabel);
    for (std::size_t c = 0; c < sheet.rows[r].maps.size(); ++c) {
      paste(draw_cells(sheet.rows[r].maps[c], sheet.grid, colors), top_of(r), left_of(c), image);
    }
  }
  return image;
}

}  // namespace fovea
