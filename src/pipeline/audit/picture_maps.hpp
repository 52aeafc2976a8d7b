// Maps of the audited pictures, and what else one pass tells about where the model looks and at what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "fovea/image.hpp"
#include "learn/matrix.hpp"
#include "pipeline/audit/asked_model.hpp"
#include "pipeline/audit/experiments.hpp"
#include "pipeline/folder/scheduler.hpp"

namespace fovea {

/// The maps of some pictures, each for the picture's own class.
struct PictureMaps {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<std::size_t> of;                     // [m] row of the picture each is of
  std::vector<std::size_t> classes;                // [m]
  std::vector<CropGeometry> geometry;              // [m] where the map lies in the picture
  learn::Matrix values;                            // [m, rows * cols] what speaks for the class; sums to 1
  std::vector<std::vector<std::size_t>> outliers;  // [m] cells of outlier tokens, as outlier_patches() tells them
  learn::Matrix content;                           // [m, D] what was looked at: Σ map · token of the last block's input
  bool interrupted = false;
};

/// libra's maps of at most `most` pictures of each class. A picture that fails now is left out. A model that feeds each
/// picture at a size of its own has none.
/// @param step  called for each picture
[[nodiscard]] PictureMaps map_pictures(const ExperimentPictures& pictures, std::size_t most, std::uint64_t seed,
                                       AskedModel& model, const std::function<void()>& step, const GiveUp& give_up);

/// Share of the picture that the model never saw.
[[nodiscard]] double unseen_share(const CropGeometry& geometry);

/// Indices of the class's maps, rising.
[[nodiscard]] std::vector<std::size_t> maps_of(const PictureMaps& maps, std::size_t of_class);
/// [rows * cols]
[[nodiscard]] std::vector<float> mean_map(const PictureMaps& maps, std::span<const std::size_t> chosen);

}  // namespace fovea
