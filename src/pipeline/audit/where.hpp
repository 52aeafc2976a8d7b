// Where the model looks, class by class.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "learn/marks/class_excess.hpp"
#include "learn/marks/small_pictures.hpp"
#include "pipeline/audit/picture_maps.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea {

/// What classes are compared by, with one value for each picture that has a map.
struct MapMeasure {
  std::string id = {};       // "outer-ring"
  std::string more = {};     // a class that has more of it: "the model looks more at the outer ring"
  std::string less = {};     // and less
  std::string measure = {};  // "share of the map at the outer ring"
  std::vector<std::size_t> cells = {};  // whose share of the map it is; none: it has no place that is the same for all
  std::vector<double> values = {};      // [m]
};
/// The shares of the map in the outer ring, in each corner and on outlier tokens, and the share of the picture that the
/// model never saw. A measure that is the same for all pictures is left out.
[[nodiscard]] std::vector<MapMeasure> map_measures(const PictureMaps& maps);

/// The names of all measures.
[[nodiscard]] std::vector<std::string> measure_ids();

/// A class that has more of a measure than the others do, or less.
struct MapExcess {
  std::size_t measure = 0;
  std::size_t of_class = 0;
  learn::ClassExcess excess;
};
/// The excess in each measure of each class that has five maps or more.
[[nodiscard]] std::vector<MapExcess> compare_maps(const PictureMaps& maps, std::span<const MapMeasure> measures,
                                                  std::size_t num_classes);

/// Where these cells lie in the picture of a map: a box for each row of neighbours; none inside the padding.
[[nodiscard]] std::vector<learn::RelativeBox> region_of(std::span<const std::size_t> cells, const CropGeometry& geometry,
                                                        PatchGrid grid);

/// The part of the picture that the model sees.
[[nodiscard]] learn::RelativeBox seen_box(const CropGeometry& geometry);

/// The mean map of each class, and of all classes.
void describe_maps(const PictureMaps& maps, std::size_t num_classes, AuditReport& report);

}  // namespace fovea
