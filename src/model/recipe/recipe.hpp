// How a model's pictures are to be prepared: read from its files, taken from a preset, changed by the user.
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
  std::string source;          // where it is from and why: "config.json (pretrained_cfg), timm's evaluation transform"
  bool assumed = false;        // no file says it
  std::filesystem::path file;  // whose values these are; empty if they are a preset's
  bool changed = false;        // by the options, or because the model takes another size
};

/// What RecipeOptions::preprocess may be, "auto" first.
[[nodiscard]] std::span<const std::string_view> preprocess_names() noexcept;

/// Finds the recipe of a model. With "auto", the files beside the checkpoint decide: timm's `pretrained_cfg` in
/// config.json, else transformers' preprocessor_config.json (backend torchvision, transformers' own default), else the
/// class that transformers pairs with config.json's `model_type`, else the preset `fallback`. A name forces that
/// pipeline; its values still come from the files if they are that library's. Then the options change single values.
/// Works without a checkpoint.
/// @param model       a folder, or a file in it.
/// @param input_size  what the network takes; a recipe for another size is adapted by with_input_size().
/// @param fallback    a name of preprocess_names() but "auto".
/// @throws Error      kCheckpoint for files that say something impossible; kUsage for options that contradict each
///                    other, the model or the pipeline.
[[nodiscard]] ResolvedRecipe resolve_recipe(const std::filesystem::path& model, const RecipeOptions& options,
                                            const std::optional<Size>& input_size = std::nullopt,
                                            std::string_view fallback = "timm");
/// The same of files that were found already.
[[nodiscard]] ResolvedRecipe resolve_recipe(const ConfigFiles& files, const RecipeOptions& options,
                                            const std::optional<Size>& input_size, std::string_view fallback);

/// The recipe for another input size, as the library would make it:
///  - timm: the resize size is input / crop_pct, cut down to a whole number (timm create_transform with input_size);
///  - the others state two sizes: resize and crop keep their ratio, rounded half to even (256 and 224 become 439 and
///    384), which is what an image processor is given by `size=` and `crop_size=`;
///  - an input that is not square takes the smallest picture that covers it, where the rule was the shortest edge.
[[nodiscard]] PreprocessRecipe with_input_size(PreprocessRecipe recipe, Size input_size);

/// timm's evaluation transform in its own terms (timm/data/transforms_factory.py); mean and std 0.5.
/// @throws Error  kShape if a side that is resized to is not 1 to a million pixels.
[[nodiscard]] PreprocessRecipe timm_recipe(Size input_size, double crop_pct, CropMode crop_mode = CropMode::kCenter,
                                           Interpolation interpolation = Interpolation::kBicubic);

}  // namespace fovea
