// A model as it lies on disk: a checkpoint and what its config says, resolved to a ModelInfo.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "checkpoint/checkpoint.hpp"
#include "fovea/model.hpp"
#include "model/family/family.hpp"

namespace fovea {

struct OpenModel {
  std::unique_ptr<Checkpoint> checkpoint;
  std::optional<Naming> naming;  // always there once it is open
  std::string config;            // the text of config.json; empty if there is none
  ModelInfo info;
};

/// Opens a folder or a checkpoint file and checks every tensor against its family; reads no weight.
/// @throws Error  kNotFound, kUnreadable, kCheckpoint.
[[nodiscard]] OpenModel open_model(const std::filesystem::path& model, const LoadOptions& options = {});

}  // namespace fovea
