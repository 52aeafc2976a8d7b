// model_args of timm's config.json: the arguments of the constructor.
#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "model/config/config.hpp"
#include "model/config/config_reader.hpp"
#include "model/keys/config_keys.hpp"

namespace fovea {

/// What each of its classes takes.
[[nodiscard]] std::span<const KeyRule> timm_args(TimmClass model_class);

/// transformers' TimmWrapper writes its keys beside timm's.
[[nodiscard]] bool is_timm_wrapper(const ConfigReader& reader);

/// model_args with every null replaced by what it means. It is no absent key: timm gives None to the constructor in
/// place of what the name means. Only transformers' wrapper leaves it out.
/// @throws Error  kCheckpoint for a null that makes the constructor fail.
[[nodiscard]] nlohmann::json timm_model_args(const ConfigReader& reader, TimmClass model_class);

/// What arguments say of tensors: timm loads a file only if all its tensors are those that the arguments mean.
/// @param config  whose read-out is known
void state_timm_roles(const ConfigReader& reader, const nlohmann::json& args, ModelConfig& config);

}  // namespace fovea
