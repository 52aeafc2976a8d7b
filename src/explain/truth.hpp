// Measures of a map where the truth is known: which quarter of a mosaic is the class's, which patches hold a planted
// mark, and what the score loses where a few patches go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fovea/image.hpp"

namespace fovea {

/// Patches of one quarter of the grid.
/// @param tile  0 to 3, row by row
/// @return      [T] 1: in the tile; 0: in another one; patches that the border between tiles cuts have 2
[[nodiscard]] std::vector<std::uint8_t> tile_patches(PatchGrid grid, std::size_t tile);

/// The grid pointing game (Böhle et al. 2021). A planted mark's patches are measured like a tile's.
struct TileMeasures {
  double share = 0;  // of the map's positive values in the tile; a map without any has chance, the tile's share
  double hit = 0;    // 1 where the highest patch lies in the tile; of several that are equal, the share that does
  double auroc = 0;  // how well the map's values tell the tile's patches from other ones; chance is a half
};
/// @param tile  of tile_patches()
[[nodiscard]] TileMeasures measure_tile(std::span<const float> map, std::span<const std::uint8_t> tile);

/// How much of the top of the ranking the truth fills: the mean, over the patches of the truth, of the share of them
/// among the patches ranked as high or higher (average precision). Equal values share a rank.
/// @param inside  [T] 1: of the truth; at least one
[[nodiscard]] double average_precision(std::span<const float> map, std::span<const std::uint8_t> inside);

/// The grid in cells of 2x2 patches, row by row; at an odd grid's edges they are smaller.
[[nodiscard]] std::vector<std::vector<std::size_t>> deletion_cells(PatchGrid grid);

/// The single deletion score (Hesse et al. 2024), without their fine-tuning: Spearman's correlation of what the score
/// loses where a cell goes with the map's sum there.
/// @param lost  one for each cell
/// @return      0 where it is undefined, as for a flat map
[[nodiscard]] double single_deletion_score(std::span<const float> map,
                                           const std::vector<std::vector<std::size_t>>& cells,
                                           std::span<const float> lost);

/// Maps that know nothing.
[[nodiscard]] std::vector<float> random_map(PatchGrid grid, std::uint64_t seed);
/// A Gaussian in the middle, a quarter of the grid's sides wide.
[[nodiscard]] std::vector<float> centred_map(PatchGrid grid);

}  // namespace fovea
