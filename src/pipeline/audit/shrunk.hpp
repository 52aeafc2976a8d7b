// Pictures for statistics and experiments: decoded again, and small.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fovea/image.hpp"
#include "learn/marks/small_pictures.hpp"
#include "pipeline/folder/inputs.hpp"

namespace fovea {

/// The whole pictures, squashed to squares of kMarkSide px, on all threads.
/// @param chosen  [n] indices into `inputs`; a picture that cannot be read any more is black
[[nodiscard]] learn::SmallPictures shrink_all(std::span<const Input> inputs, std::span<const std::size_t> chosen);
inline constexpr int kMarkSide = 64;

/// One picture for an experiment, its longer side at most kExperimentSide px.
/// @throws Error  as decode_image(), and for a file that cannot be read.
[[nodiscard]] Image picture_for_experiment(const Input& input);
inline constexpr int kExperimentSide = 448;

}  // namespace fovea
