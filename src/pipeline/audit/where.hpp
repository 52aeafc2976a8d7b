// Where the model looks: maps of pictures, and what they say about each class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "learn/marks/class_excess.hpp"
#include "learn/matrix.hpp"
#include "pipeline/audit/asked_model.hpp"
#include "pipeline/audit/experiments.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea {

/// The maps of some pictures, each for the picture's own class.
struct PictureMaps {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<std::size_t> of;       // [m] row of the picture each is of
  std::vector<std::size_t> classes;  // [m]
  std::vector<double> unseen;        // [m] share of the picture that the model never saw
  learn::Matrix values;              // [m, rows * cols] what speaks for the class; sums to 1
  bool interrupted = false;
};

/// libra's maps of at most `most` pictures of each class. A picture that fails now is left out. A model that feeds each
/// picture at a size of its own has none.
/// @param step  called for each picture
[[nodiscard]] PictureMaps map_pictures(const ExperimentPictures& pictures, std::size_t most, std::uint64_t seed,
                                       AskedModel& model, const std::function<void()>& step, const GiveUp& give_up);

/// What maps are compared by: shares of the map in some part of the picture.
struct MapMeasure {
  std::string_view name;  // "outer ring"
  std::vector<std::size_t> cells;
};
[[nodiscard]] std::vector<MapMeasure> map_measures(std::size_t rows, std::size_t cols);

/// A class that looks at a part more than the others do.
struct MapExcess {
  std::size_t measure = 0;
  std::size_t of_class = 0;
  learn::ClassExcess excess;
};
/// The excess in each measure of each class that has five maps or more.
[[nodiscard]] std::vector<MapExcess> compare_maps(const PictureMaps& maps, std::span<const MapMeasure> measures,
                                                  std::size_t num_classes);

/// The mean map of each class, and of all classes.
void describe_maps(const PictureMaps& maps, std::size_t num_classes, AuditReport& report);

/// Clusters of each class's maps by where they lie, as SpRAy finds strategies.
/// @param right    [n] whether the model has each picture right
/// @param path_of  of a picture's row
void describe_strategies(const PictureMaps& maps, std::size_t num_classes, std::span<const std::uint8_t> right,
                         const std::function<std::string(std::size_t)>& path_of, std::uint64_t seed,
                         AuditReport& report);

}  // namespace fovea
