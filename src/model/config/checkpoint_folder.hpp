// A model on disk, a checkpoint and its config, resolved to a ModelInfo.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "fovea/model.hpp"
#include "model/family/family.hpp"

namespace fovea {

struct OpenModel {
  std::unique_ptr<Checkpoint> checkpoint;
  std::optional<Naming> naming;  // always set by open_model
  std::string config;            // the text of config.json; empty if there is none
  ModelInfo info;
};

/// Opens a folder or a checkpoint file and checks every tensor against its family; reads no weight.
/// @throws Error  kNotFound, kUnreadable, kCheckpoint.
[[nodiscard]] OpenModel open_model(const std::filesystem::path& model, const LoadOptions& options = {});

/// The tensors of any checkpoint that can be opened, whatever it is of, under the names that are in the file.
/// @throws Error  as open_checkpoint().
[[nodiscard]] std::vector<TensorInfo> list_tensors(const std::filesystem::path& model, const LoadOptions& options);

}  // namespace fovea
