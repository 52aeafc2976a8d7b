// Finds out how a model's pictures are prepared: from its files or a preset, changed by the user's options.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fovea/image.hpp"

namespace fovea {

class ConfigFiles;  // config_files.hpp

struct ResolvedRecipe {
  PreprocessRecipe recipe;
  std::string source;          // its origin and the reason: "config.json (pretrained_cfg), timm's evaluation transform"
  bool assumed = false;        // no file states it
  std::filesystem::path file;  // the file that its values came from; empty for a preset
  bool changed = false;        // by options, or because the model's input size differs
};

/// What transformers' image processor does before options change it, if the model's files describe one and the options
/// do not ask for another pipeline.
/// @throws Error  kCheckpoint as resolve_recipe().
[[nodiscard]] std::optional<PreprocessRecipe> prepared_recipe(const ConfigFiles& model, const RecipeOptions& options);

/// Possible values of RecipeOptions::preprocess, "auto" first.
[[nodiscard]] std::span<const std::string_view> preprocess_names() noexcept;

/// Finds the recipe of a model. With "auto", the files beside the checkpoint decide: timm's `pretrained_cfg` in
/// config.json, else open_clip's `preprocess_cfg`, else transformers' preprocessor_config.json (backend torchvision,
/// transformers' own default), else the class that transformers pairs with config.json's `model_type`, else the preset
/// `fallback`. A name forces that pipeline; its values still come from the files if they are that library's. Then the
/// options change single values. Works without a checkpoint.
/// @param model       a folder, or a file in it.
/// @param input_size  the network's input size; with_input_size() adapts a recipe for another size.
/// @param fallback    any of preprocess_names() except "auto".
/// @throws Error      kCheckpoint for files with impossible values; kUsage for options that contradict each other, the
/// model or
///                    the pipeline.
[[nodiscard]] ResolvedRecipe resolve_recipe(const std::filesystem::path& model, const RecipeOptions& options,
                                            const std::optional<Size>& input_size = std::nullopt,
                                            std::string_view fallback = "timm");
/// The same for files that were already found.
[[nodiscard]] ResolvedRecipe resolve_recipe(const ConfigFiles& files, const RecipeOptions& options,
                                            const std::optional<Size>& input_size, std::string_view fallback);

/// The recipe for another input size, as the library would make it:
///  - timm: the resize size is input / crop_pct, truncated to a whole number (timm create_transform with input_size);
///  - other pipelines state two sizes: resize and crop keep their ratio, rounded half to even (256 and 224 become 439
/// and
///    384), as if an image processor were given `size=` and `crop_size=`;
///  - pictures of a size of their own each get this one, whatever their shape;
///  - for an input that is not square, the shortest-edge rule becomes the smallest picture that covers the input.
[[nodiscard]] PreprocessRecipe with_input_size(PreprocessRecipe recipe, Size input_size);

/// timm's evaluation transform in its own terms (timm/data/transforms_factory.py); mean and std 0.5.
/// @throws Error  kShape if a side of the resize size is not 1 to a million pixels.
[[nodiscard]] PreprocessRecipe timm_recipe(Size input_size, double crop_pct, CropMode crop_mode = CropMode::kCenter,
                                           Interpolation interpolation = Interpolation::kBicubic);

}  // namespace fovea
