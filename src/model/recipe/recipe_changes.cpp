#include "model/recipe/recipe_changes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "fovea/error.hpp"
#include "model/recipe/sources.hpp"

namespace fovea {
namespace {

void set_crop_mode(PreprocessRecipe& recipe, CropMode mode) {
  const bool square = recipe.resize_size.height == recipe.resize_size.width;
  recipe.center_crop = true;
  recipe.padding = {};
  switch (mode) {
    case CropMode::kCenter: recipe.resize = square ? ResizeRule::kShortestEdge : ResizeRule::kCover; break;
    case CropMode::kSquash: recipe.resize = ResizeRule::kExact; break;
    case CropMode::kBorder: recipe.resize = ResizeRule::kFit; break;
  }
}

/// Changes the size before the crop, keeping the recipe's rule.
void set_resize_size(PreprocessRecipe& recipe, Size size, double crop_pct) {
  const bool square = size.height == size.width;
  recipe.resize_size = size;
  recipe.crop_pct = crop_pct;
  recipe.center_crop = true;
  if (recipe.resize == ResizeRule::kNone || recipe.resize == ResizeRule::kCapped ||
      recipe.resize == ResizeRule::kCover || recipe.resize == ResizeRule::kShortestEdge) {
    recipe.resize = square ? ResizeRule::kShortestEdge : ResizeRule::kCover;
  }
}

}  // namespace

void refuse_recipe(const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::kUsage, message, hint);
}

void change_sizes(PreprocessRecipe& recipe, const RecipeOptions& options) {
  if (options.crop_pct && options.resize_size) {
    refuse_recipe(
        "--crop-pct and --resize-size are both given, expected one: each of them sets the size of the picture before "
        "the crop");
  }
  if (recipe.max_patches > 0 && (options.crop_pct || options.resize_size || options.crop_size || options.crop_mode)) {
    refuse_recipe(
        fmt::format("the recipe is {}, expected none of the sizes and crops: each picture is fed whole, at a size of "
                    "its own",
                    recipe_changes(options)),
        "--image-size HxW feeds all pictures at one size, which these options can change");
  }
  if (options.crop_size) recipe = with_input_size(recipe, *options.crop_size);
  if (options.crop_mode) set_crop_mode(recipe, *options.crop_mode);
  if (options.crop_pct) {
    if (!(*options.crop_pct > 0.0) || *options.crop_pct > 2.0) {
      refuse_recipe(fmt::format("--crop-pct is {}, expected a number above 0, up to 2", *options.crop_pct));
    }
    set_resize_size(recipe, size_before_crop(recipe.input_size, *options.crop_pct), *options.crop_pct);
  }
  if (options.resize_size) set_resize_size(recipe, *options.resize_size, 0.0);
}

void change_values(PreprocessRecipe& recipe, const RecipeOptions& options) {
  recipe.interpolation = options.interpolation.value_or(recipe.interpolation);
  recipe.mean = options.mean.value_or(recipe.mean);
  recipe.std = options.std.value_or(recipe.std);
  if (options.mean || options.std) recipe.normalize = true;
  if (std::any_of(recipe.std.begin(), recipe.std.end(), [](float value) { return !(value > 0.0F); })) {
    refuse_recipe(fmt::format("--std is {}, expected three numbers above 0", fmt::join(recipe.std, " ")));
  }
  if (recipe.resize == ResizeRule::kFit) recipe.padding = mean_color(recipe.mean);
  const bool aten = recipe.resampler != Resampler::kPillow;
  if (!has_filter(recipe.resampler, recipe.interpolation)) {
    const bool floats = recipe.resampler == Resampler::kAtenFloat;
    refuse_recipe(
        fmt::format("--interpolation is {}, expected {}, which the pipeline {} uses", name(recipe.interpolation),
                    floats ? "bilinear or bicubic of torch's resampler" : "a filter of torch's resampler", recipe.name),
        floats ? "" : "use --preprocess hf-pil, which has all six filters");
  }
  if (options.pillow_version) {
    if (*options.pillow_version != 12 && *options.pillow_version != 13) {
      refuse_recipe(fmt::format("--pillow-compat is {}, expected 12 or 13", *options.pillow_version));
    }
    if (aten) {
      refuse_recipe(fmt::format("--pillow-compat is {}, but the pipeline {} resamples with torch",
                                *options.pillow_version, recipe.name),
                    "use --preprocess hf-pil, which resamples with Pillow");
    }
    recipe.pillow_version = *options.pillow_version;
  }
}

std::string recipe_changes(const RecipeOptions& options) {
  std::vector<std::string_view> flags;
  const auto note = [&](bool given, std::string_view flag) {
    if (given) flags.push_back(flag);
  };
  note(options.crop_pct.has_value(), "--crop-pct");
  note(options.resize_size.has_value(), "--resize-size");
  note(options.crop_size.has_value(), "--crop-size");
  note(options.crop_mode.has_value(), "--crop-mode");
  note(options.interpolation.has_value(), "--interpolation");
  note(options.mean.has_value(), "--mean");
  note(options.std.has_value(), "--std");
  note(options.pillow_version.has_value(), "--pillow-compat");
  return flags.empty() ? "" : fmt::format("changed by {}", fmt::join(flags, ", "));
}

}  // namespace fovea
