// Many maps as a table of small pictures.
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

/// px of a patch's side
[[nodiscard]] int sheet_patch_side(PatchGrid grid);

/// Each map by itself from its minimum to its maximum, every patch a square of one colour, as DINO's
/// visualize_attention.py shows attention (Caron et al. 2021).
/// @throws Error   kUsage for an unknown colour map.
[[nodiscard]] Image draw_sheet(const MapSheet& sheet, std::string_view colormap);

}  // namespace fovea
