// What a model's config.json says about it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "fovea/model.hpp"

namespace fovea {

struct ModelConfig {
  std::string architecture;        // timm's name; may be empty
  std::optional<Size> image_size;  // px
  std::optional<std::size_t> num_heads;
  std::optional<std::size_t> num_classes;
  std::optional<PreprocessRecipe> recipe;
  std::string recipe_source;       // "config.json (pretrained_cfg)"
  std::vector<ClassLabel> labels;  // empty if it names none
};

/// Reads timm's config.json, of the hub's form or the older flat one (SPECS: timm hub format).
/// @throws Error  kCheckpoint if it is no JSON, or says something that fovea cannot honour.
[[nodiscard]] ModelConfig read_timm_config(const std::filesystem::path& file);

}  // namespace fovea
