// A table of many small maps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"

namespace fovea {

struct SheetRow {
  std::string label;
  std::vector<std::vector<float>> maps;  // one for each column, [grid.rows * grid.cols]
};
struct MapSheet {
  PatchGrid grid;
  std::vector<std::string> columns;
  std::vector<SheetRow> rows;
};

/// The side of a patch in the sheet, in px.
[[nodiscard]] int sheet_patch_side(PatchGrid grid);

/// Scales each map by its own minimum and maximum and draws every patch as a square of one colour, as DINO's
/// visualize_attention.py shows attention (Caron et al. 2021).
/// @throws Error   kUsage for an unknown colour map.
[[nodiscard]] Image draw_sheet(const MapSheet& sheet, std::string_view colormap);

}  // namespace fovea
