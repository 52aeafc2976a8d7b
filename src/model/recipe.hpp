// How a model's files say its pictures are to be prepared.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "fovea/image.hpp"

namespace fovea {

class ConfigReader;

/// timm's `pretrained_cfg`; what it leaves out is timm's default (timm/data/config.py, constants.py).
/// @throws Error  kCheckpoint for a value that no recipe can have.
[[nodiscard]] PreprocessRecipe read_timm_recipe(const ConfigReader& reader, const nlohmann::json& pretrained_cfg);

}  // namespace fovea
