// Pictures for statistics and experiments: decoded again, and small.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "fovea/image.hpp"
#include "learn/marks/small_pictures.hpp"
#include "pipeline/folder/inputs.hpp"

namespace fovea {

/// Pictures that were read before and cannot be read any more, and why; by their row.
using LostPictures = std::map<std::size_t, std::string>;

struct ShrunkPictures {
  learn::SmallPictures small;
  std::vector<std::size_t> rows;  // of `chosen` that each is
};
/// The whole pictures, squashed to squares of kMarkSide px, on all threads.
/// @param chosen  [n] indices into `inputs`
/// @param lost    gets those that cannot be read
[[nodiscard]] ShrunkPictures shrink_all(std::span<const Input> inputs, std::span<const std::size_t> chosen,
                                        LostPictures& lost);
inline constexpr int kMarkSide = 64;

/// One picture for an experiment, its longer side at most kExperimentSide px.
/// @throws Error  as decode_image(), and for a file that cannot be read.
[[nodiscard]] Image picture_for_experiment(const Input& input);
inline constexpr int kExperimentSide = 448;

}  // namespace fovea
