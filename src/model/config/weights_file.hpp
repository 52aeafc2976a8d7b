// The file of a model that has its weights.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace fovea {

/// The names of a folder's files, wherever it lies.
struct CheckpointFolder {
  std::string name;  // for messages
  std::function<bool(const char* file)> has;
  std::function<std::vector<std::string>()> names;
  std::string hint;  // where there are several checkpoints, or none
};
/// The name of its checkpoint: one of those that libraries write, or the only one there is.
/// @throws Error  kNotFound if there is none, or several.
[[nodiscard]] std::string choose_checkpoint(const CheckpointFolder& folder);
/// Those of a folder's file names that are read together with its checkpoint: JSON files and DINOv2's linear head; no
/// shards.
[[nodiscard]] std::vector<std::string> read_beside(std::span<const std::string> names, const std::string& checkpoint);

/// The checkpoint of a folder, by the names that libraries write, or the only one there is; of a file, the file.
/// @throws Error  kNotFound if there is none, or several.
[[nodiscard]] std::filesystem::path checkpoint_file(const std::filesystem::path& model);

/// What the model of a checkpoint file is called: as its folder, or in a hub's cache
/// (models--ORG--NAME/snapshots/COMMIT) as on the hub.
[[nodiscard]] std::string model_name(const std::filesystem::path& checkpoint);

/// Opens it; of a folder, together with DINOv2's linear head beside it.
/// @param weights  as open_checkpoint()
/// @throws Error   as open_checkpoint().
[[nodiscard]] std::unique_ptr<Checkpoint> open_with_head(const std::filesystem::path& model,
                                                         const std::filesystem::path& file, std::string_view weights);

/// The files that are read when the model is loaded: its checkpoint with its shards and its linear head, and the JSON
/// files beside it. What is not there is left out.
[[nodiscard]] std::vector<std::filesystem::path> model_files(const std::filesystem::path& model);

}  // namespace fovea
