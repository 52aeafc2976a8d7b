// Lists where a map is highest, for programs: boxes in the picture's own pixels.
#include <algorithm>
#include <cmath>

#include "image/overlay/field.hpp"
#include "report/files/documents.hpp"
#include "report/formats/record_json.hpp"

namespace fovea {
namespace {

double to_hundredths(double pixels) {
  return std::round(pixels * 100.0) / 100.0;
}

}  // namespace

std::vector<ScoredBox> top_patches(MatrixView<const float> map, const CropGeometry& geometry, std::size_t count) {
  std::vector<ScoredBox> patches;
  patches.reserve(map.values().size());
  const PatchGrid grid{map.rows(), map.cols()};
  for (std::size_t row = 0; row < grid.rows; ++row) {
    for (std::size_t col = 0; col < grid.cols; ++col) {
      const SeenArea area = patch_area(geometry, grid, row, col);
      const float score = map.row(row)[col];
      if (!std::isfinite(score) || area.bottom <= area.top || area.right <= area.left) continue;
      patches.push_back({area.left, area.top, area.right - area.left, area.bottom - area.top, score});
    }
  }
  std::stable_sort(patches.begin(), patches.end(),
                   [](const ScoredBox& a, const ScoredBox& b) { return a.score > b.score; });
  patches.resize(std::min(count, patches.size()));
  return patches;
}

std::string top_patches_json(std::span<const ScoredBox> patches) {
  std::string text = "[";
  for (const ScoredBox& patch : patches) {
    text += text.size() == 1 ? "\n" : ",\n";
    text += one_line(RecordJson{{"x", to_hundredths(patch.x)},
                                {"y", to_hundredths(patch.y)},
                                {"w", to_hundredths(patch.width)},
                                {"h", to_hundredths(patch.height)},
                                {"score", patch.score}});
  }
  return text + "\n]\n";
}

}  // namespace fovea
