// open_clip's recipes: `preprocess_cfg` of open_clip_config.json.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/keys/library_keys.hpp"
#include "model/recipe/recipe.hpp"
#include "model/recipe/sources.hpp"

namespace fovea {
namespace {

/// "random" is a matter of training: evaluation then is bicubic.
constexpr std::array kOpenClipInterpolations{std::pair{"bicubic", Interpolation::kBicubic},
                                             std::pair{"bilinear", Interpolation::kBilinear},
                                             std::pair{"random", Interpolation::kBicubic}};
constexpr std::array kResizeModes{std::pair{"shortest", ResizeRule::kShortestEdge},
                                  std::pair{"squash", ResizeRule::kExact}};

}  // namespace

PreprocessRecipe read_open_clip_recipe(const ConfigReader& reader, Size image_size) {
  const nlohmann::json cfg = reader.object(reader.root(), "preprocess_cfg");
  check_keys(reader, cfg, "preprocess_cfg.", {open_clip_preprocess_keys()});
  PreprocessRecipe recipe = preset_recipe("clip", image_size);
  recipe.interpolation = reader.choice(cfg, "interpolation", kOpenClipInterpolations, Interpolation::kBicubic);
  recipe.resize = reader.choice(cfg, "resize_mode", kResizeModes, ResizeRule::kShortestEdge);
  if (recipe.resize == ResizeRule::kShortestEdge && image_size.height != image_size.width) {
    reader.fail("image_size", std::to_string(image_size.height) + "x" + std::to_string(image_size.width),
                "a square, unless resize_mode is squash");
  }
  recipe.mean = reader.rgb(cfg, "mean").value_or(kClipMean);
  recipe.std = reader.rgb(cfg, "std").value_or(kClipStd);
  if (std::any_of(recipe.std.begin(), recipe.std.end(), [](float value) { return !(value > 0.0F); })) {
    reader.fail("std", cfg["std"].dump(), "three numbers above 0");
  }
  return recipe;
}

}  // namespace fovea
