// The sources of recipes: one reader for each library's files, and presets for libraries that write none.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "fovea/image.hpp"
#include "model/config/config_reader.hpp"

namespace fovea {

/// The training sets' means and standard deviations, by the names that libraries use.
inline constexpr std::array kImagenetMean{0.485F, 0.456F, 0.406F};
inline constexpr std::array kImagenetStd{0.229F, 0.224F, 0.225F};
inline constexpr std::array kInceptionMean{0.5F, 0.5F, 0.5F};
inline constexpr std::array kClipMean{0.48145466F, 0.4578275F, 0.40821073F};
inline constexpr std::array kClipStd{0.26862954F, 0.26130258F, 0.27577711F};

/// timm's `pretrained_cfg`; absent values are timm's defaults (timm/data/config.py, constants.py).
/// @param test_size  `test_crop_pct` takes the place of `crop_pct`, where there is one
/// @throws Error  kCheckpoint for a value that no recipe can have.
[[nodiscard]] PreprocessRecipe read_timm_recipe(const ConfigReader& reader, const nlohmann::json& pretrained_cfg,
                                                bool test_size);

/// open_clip's `preprocess_cfg`, for a tower of this image size (open_clip/transform.py, image_transform).
/// @throws Error  kCheckpoint for a value that no recipe can have.
[[nodiscard]] PreprocessRecipe read_open_clip_recipe(const ConfigReader& reader, Size image_size);

/// The two backends of a transformers image processor: they read the same file and give different bytes.
enum class TransformersBackend { kPil, kTorchvision };

/// A preprocessor_config.json, or the object under "image_processor" of a processor_config.json.
/// @param type    the class, as processor_type() or processor_of_model() names it.
/// @throws Error  kCheckpoint for something that the class itself could not do.
[[nodiscard]] PreprocessRecipe read_transformers_recipe(const ConfigReader& reader, const nlohmann::json& cfg,
                                                        std::string_view type, TransformersBackend backend);
/// The class's defaults, for pictures of this size.
[[nodiscard]] PreprocessRecipe transformers_recipe(std::string_view type, TransformersBackend backend, Size input_size);
/// "ViTImageProcessor" from `image_processor_type` or the older `feature_extractor_type`; empty if there is neither.
/// @throws Error  kCheckpoint for a class that fovea does not know.
[[nodiscard]] std::string processor_type(const ConfigReader& reader, const nlohmann::json& cfg);
/// The class that transformers pairs with a `model_type`; empty for models that fovea does not know.
[[nodiscard]] std::string_view processor_of_model(std::string_view model_type) noexcept;
/// False if transformers pairs no class with it, and raises for a preprocessor_config.json that names none.
[[nodiscard]] bool has_paired_processor(std::string_view model_type) noexcept;

/// The pipelines that need no file: torchvision, dinov2, clip, siglip, and timm's for a bare checkpoint.
/// @param name  any of preprocess_names() except "auto".
[[nodiscard]] PreprocessRecipe preset_recipe(std::string_view name, Size input_size);
/// A description for people: "torchvision's preset of vit_b_16".
[[nodiscard]] std::string_view preset_about(std::string_view name) noexcept;

/// The padding colour of timm's border: the mean as a colour, rounded half to even as in Python.
[[nodiscard]] std::array<std::uint8_t, 3> mean_color(const std::array<float, 3>& mean);
/// Each side divided by crop_pct and truncated to a whole number.
/// @throws Error  kShape if a side is not 1 to a million pixels.
[[nodiscard]] Size size_before_crop(Size input_size, double crop_pct);

}  // namespace fovea
