// Finds models by name.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace fovea::cli {

/// The folders of FOVEA_MODEL_PATH (separated by colons), then share/fovea/weights beside the program's folder.
[[nodiscard]] std::vector<std::filesystem::path> model_places();

struct NamedModel {
  std::string name;  // as it is printed
  std::filesystem::path path;
};
/// The models that lie in these places, by name.
[[nodiscard]] std::vector<NamedModel> named_models();

/// Returns the path if it exists, or else looks for the name in model_places(). "hf:ORG/NAME" is the folder of a hub's
/// model, which is downloaded unless the cache has it.
/// @param quiet   a download shows no bar and is not mentioned
/// @throws Error  kNotFound; the hint names the models that exist, or says how to get the one that is meant.
///                kCheckpoint for a configuration or a picture in place of a model. As pull_model() for a hub's.
[[nodiscard]] std::filesystem::path find_model(const std::string& name_or_path, bool quiet = false);

/// Whether find_model() would give a checkpoint file, or a folder that holds one.
[[nodiscard]] bool is_model(const std::string& name_or_path);
/// What to do with a model that stands where a picture belongs.
[[nodiscard]] std::string hint_for_model(const std::string& name_or_path);

}  // namespace fovea::cli
