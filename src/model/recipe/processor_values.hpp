// How the values of transformers' preprocessor_config.json are read: what null means, and the forms of a size.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "fovea/image.hpp"
#include "model/config/config_reader.hpp"

namespace fovea::processor_values {

[[nodiscard]] bool given(const nlohmann::json& cfg, const char* key);

/// A flag that is null is off. The class's default applies only if the key is absent.
[[nodiscard]] bool flag(const ConfigReader& reader, const nlohmann::json& cfg, const char* key, bool absent);

/// A key that is null has no value, not even the class's default.
/// @throws Error  kCheckpoint for null.
void require(const ConfigReader& reader, const nlohmann::json& cfg, const char* key, const char* step);

/// @throws Error  kCheckpoint for what is no whole number above 0.
[[nodiscard]] int positive(const ConfigReader& reader, const nlohmann::json& value, const char* key);

/// get_size_dict(): the forms that `size` and `crop_size` may have.
/// @throws Error  kCheckpoint for any other.
void read_resize(const ConfigReader& reader, const nlohmann::json& size, bool square_if_one, PreprocessRecipe& recipe);
[[nodiscard]] Size read_crop_size(const ConfigReader& reader, const nlohmann::json& crop);

}  // namespace fovea::processor_values
