// What `fovea quantize` adds to a model's own tensors, in one safetensors file.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/checkpoint.hpp"
#include "fovea/precision.hpp"

namespace fovea {

/// The key in the file's metadata of what the file is quantised for, "int8" or "bf16". The model's JSON files are
/// there, too, whole, each under its own name.
inline constexpr std::string_view kQuantizedKey = "fovea.precision";
/// The key of the recipe that no file states, for --preprocess: the checkpoint's own name may have told it.
inline constexpr std::string_view kUsualRecipeKey = "fovea.recipe";
inline constexpr std::array kConfigFiles{"config.json", "open_clip_config.json", "preprocessor_config.json",
                                         "processor_config.json"};
/// Added to the name of a weight of type I8 [out, in]: the tensor of its scales, F32 [out].
inline constexpr std::string_view kScaleSuffix = ".scale";

/// None for every other checkpoint.
/// @param file    for messages.
/// @throws Error  kCheckpoint for a precision that no file is quantised for.
[[nodiscard]] std::optional<Precision> quantized_precision(const Checkpoint& checkpoint, std::string_view file);

}  // namespace fovea
