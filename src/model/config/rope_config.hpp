// What a config says of the rotary embedding, applied to what the tensors are for.
#pragma once

#include <string>

#include "fovea/architecture.hpp"
#include "model/config/config.hpp"

namespace fovea {

/// The rotary embedding of timm's Eva and of DINOv3: which one the tensors and the name mean, and what the config
/// changes of it.
/// @param file     for messages
/// @throws Error  kCheckpoint where the rotation is learned by one of both and computed by the other.
void apply_rope(const RopeConfig& config, const std::string& file, Architecture& a);

}  // namespace fovea
