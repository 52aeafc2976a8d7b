// A config beside the tensors: what it adds to them, and where the two differ.
#pragma once

#include <optional>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "model/config/config.hpp"
#include "model/family/family.hpp"

namespace fovea {

/// Takes from the config what the tensors do not reveal.
/// @throws Error  kCheckpoint where the config's read-out or norm is not that of the tensors.
void apply_config(const ModelConfig& config, const Conventions& conventions, const std::string& file, Architecture& a);

/// timm resamples the position embeddings of a file when it loads it, in the file's type. What its forward pass
/// resamples of a model that takes any size stays in float32.
/// @param asked  px, by the user
[[nodiscard]] StoredFloat rounding_of_positions(const Naming& naming, const Checkpoint& checkpoint,
                                                const ModelConfig& config, const std::optional<Size>& asked,
                                                const Architecture& a);

/// The tensors are those that the config means: the libraries load no others.
/// @throws Error  kCheckpoint naming the key.
void check_stated(const Naming& naming, const ModelConfig& config, const Architecture& a, const std::string& file);

/// @throws Error  kCheckpoint or kUsage for sizes that no network can have, or that the config has otherwise.
void check_sizes(const Architecture& a, const ModelConfig& config, const LoadOptions& options, const std::string& file);

}  // namespace fovea
