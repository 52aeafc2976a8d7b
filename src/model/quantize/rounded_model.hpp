// A model that is quantised in memory, without a file.
#pragma once

#include <memory>
#include <vector>

#include "checkpoint/formats/safetensors_writer.hpp"
#include "fovea/model.hpp"
#include "model/config/checkpoint_folder.hpp"

namespace fovea {

/// @param model    whose checkpoint has all tensors that are not rounded; it must outlive the result
/// @param rounded  as rounded_tensors()
/// @throws Error   as require_precision().
[[nodiscard]] std::shared_ptr<const VisionTransformer> load_rounded(const OpenModel& model,
                                                                    std::vector<StoredTensor> rounded,
                                                                    Precision precision);

}  // namespace fovea
