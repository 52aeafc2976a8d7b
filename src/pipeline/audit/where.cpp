#include "pipeline/audit/where.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <utility>

#include "image/overlay/field.hpp"

namespace fovea {
namespace {

/// A part of the grid, by its rows and columns.
struct Part {
  std::string_view id;
  std::string_view place;
  bool (*holds)(std::size_t row, std::size_t col, std::size_t rows, std::size_t cols);
};

bool first_quarter(std::size_t at, std::size_t of) {
  return at < of / 4;
}
bool last_quarter(std::size_t at, std::size_t of) {
  return at >= of - of / 4;
}
bool in_ring(std::size_t row, std::size_t col, std::size_t rows, std::size_t cols) {
  const std::size_t ring = std::max<std::size_t>(1, std::min(rows, cols) / 14);
  return row < ring || row >= rows - ring || col < ring || col >= cols - ring;
}

using At = std::size_t;
constexpr std::array<Part, 5> kParts{{
    {"outer-ring", "the outer ring", in_ring},
    {"upper-left", "the upper left corner",
     [](At row, At col, At rows, At cols) { return first_quarter(row, rows) && first_quarter(col, cols); }},
    {"upper-right", "the upper right corner",
     [](At row, At col, At rows, At cols) { return first_quarter(row, rows) && last_quarter(col, cols); }},
    {"lower-left", "the lower left corner",
     [](At row, At col, At rows, At cols) { return last_quarter(row, rows) && first_quarter(col, cols); }},
    {"lower-right", "the lower right corner",
     [](At row, At col, At rows, At cols) { return last_quarter(row, rows) && last_quarter(col, cols); }},
}};

constexpr const char* kOutliers = "outlier-tokens";
constexpr const char* kUnseen = "never-seen";

double share_at(const PictureMaps& maps, std::size_t m, std::span<const std::size_t> cells) {
  double share = 0;
  for (const std::size_t cell : cells) share += maps.values.row(m)[cell];
  return share;
}

MapMeasure looks_at(std::string_view id, std::string_view place) {
  return {.id = std::string(id),
          .more = fmt::format("the model looks more at {}", place),
          .less = fmt::format("the model looks less at {}", place),
          .measure = fmt::format("share of the map at {}", place)};
}

MapMeasure measure_of(const Part& part, const PictureMaps& maps) {
  MapMeasure measure = looks_at(part.id, part.place);
  for (std::size_t cell = 0; cell < maps.rows * maps.cols; ++cell) {
    if (part.holds(cell / maps.cols, cell % maps.cols, maps.rows, maps.cols)) measure.cells.push_back(cell);
  }
  for (std::size_t m = 0; m < maps.of.size(); ++m) measure.values.push_back(share_at(maps, m, measure.cells));
  return measure;
}

MapMeasure outlier_measure(const PictureMaps& maps) {
  MapMeasure measure = looks_at(kOutliers, "outlier tokens");
  for (std::size_t m = 0; m < maps.of.size(); ++m) measure.values.push_back(share_at(maps, m, maps.outliers[m]));
  return measure;
}

MapMeasure unseen_measure(const PictureMaps& maps) {
  MapMeasure measure{.id = kUnseen,
                     .more = "the crop cuts off more of the picture, which the model never sees",
                     .less = "the crop cuts off less of the picture, which the model never sees",
                     .measure = "share of the picture that the model never saw"};
  for (const CropGeometry& geometry : maps.geometry) measure.values.push_back(unseen_share(geometry));
  return measure;
}

}  // namespace

std::vector<MapMeasure> map_measures(const PictureMaps& maps) {
  std::vector<MapMeasure> measures;
  if (maps.of.empty()) return measures;
  if (maps.rows >= 4 && maps.cols >= 4) {
    for (const Part& part : kParts) measures.push_back(measure_of(part, maps));
  }
  for (MapMeasure measure : {outlier_measure(maps), unseen_measure(maps)}) {
    const auto [least, most] = std::ranges::minmax(measure.values);
    if (most - least > 1e-9) measures.push_back(std::move(measure));
  }
  return measures;
}

std::vector<std::string> measure_ids() {
  std::vector<std::string> ids(kParts.size());
  std::ranges::transform(kParts, ids.begin(), [](const Part& part) { return std::string(part.id); });
  ids.insert(ids.end(), {kOutliers, kUnseen});
  return ids;
}

/// A class with fewer maps is not compared.
constexpr std::size_t kFewestMaps = 5;

std::vector<MapExcess> compare_maps(const PictureMaps& maps, std::span<const MapMeasure> measures,
                                    std::size_t num_classes) {
  std::vector<MapExcess> all;
  for (std::size_t k = 0; k < measures.size(); ++k) {
    const std::vector<double>& values = measures[k].values;
    // Parts of different size have shares of different size, and so have the differences between classes.
    constexpr double kUsualShare = 0.3;
    const double mean =
        std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(std::max<std::size_t>(values.size(), 1));
    for (std::size_t c = 0; c < num_classes; ++c) {
      if (maps_of(maps, c).size() < kFewestMaps) continue;
      all.push_back({k, c, learn::excess_of_means(values, maps.classes, num_classes, c, kUsualShare * mean)});
    }
  }
  return all;
}

std::vector<learn::RelativeBox> region_of(std::span<const std::size_t> cells, const CropGeometry& geometry,
                                          PatchGrid grid) {
  const double height = geometry.original.height;
  const double width = geometry.original.width;
  std::vector<learn::RelativeBox> boxes;
  for (std::size_t i = 0; i < cells.size();) {
    std::size_t last = i;
    while (last + 1 < cells.size() && cells[last + 1] == cells[last] + 1 && cells[last + 1] % grid.cols != 0) ++last;
    const SeenArea from = patch_area(geometry, grid, cells[i] / grid.cols, cells[i] % grid.cols);
    const SeenArea to = patch_area(geometry, grid, cells[last] / grid.cols, cells[last] % grid.cols);
    if (from.top < from.bottom && from.left < to.right) {
      boxes.push_back({from.top / height, from.left / width, from.bottom / height, to.right / width});
    }
    i = last + 1;
  }
  return boxes;
}

learn::RelativeBox seen_box(const CropGeometry& geometry) {
  const SeenArea seen = seen_area(geometry);
  const double height = geometry.original.height;
  const double width = geometry.original.width;
  return {seen.top / height, seen.left / width, seen.bottom / height, seen.right / width};
}

void describe_maps(const PictureMaps& maps, std::size_t num_classes, AuditReport& report) {
  report.rows = maps.rows;
  report.cols = maps.cols;
  if (maps.of.empty()) return;
  const auto count = static_cast<double>(maps.of.size());
  for (std::size_t m = 0; m < maps.of.size(); ++m) {
    report.unseen += unseen_share(maps.geometry[m]) / count;
    report.on_outliers += share_at(maps, m, maps.outliers[m]) / count;
  }
  report.overall.assign(maps.values.cols, 0);
  for (std::size_t c = 0; c < num_classes; ++c) {
    const std::vector<std::size_t> chosen = maps_of(maps, c);
    if (chosen.empty()) continue;
    report.atlas.push_back({c, chosen.size(), mean_map(maps, chosen)});
  }
  for (const AuditAtlas& one : report.atlas) {
    for (std::size_t cell = 0; cell < one.map.size(); ++cell) {
      report.overall[cell] += one.map[cell] / static_cast<float>(report.atlas.size());
    }
  }
}

}  // namespace fovea
