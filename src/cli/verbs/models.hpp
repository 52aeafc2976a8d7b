// Where models are found by name.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace fovea::cli {

/// FOVEA_MODEL_PATH (folders, colon-separated), then share/fovea/weights beside the program's folder.
[[nodiscard]] std::vector<std::filesystem::path> model_places();

/// A path that exists, or else a name in one of the places.
/// @throws Error  kNotFound; the hint names what there is.
[[nodiscard]] std::filesystem::path find_model(const std::string& name_or_path);

}  // namespace fovea::cli
