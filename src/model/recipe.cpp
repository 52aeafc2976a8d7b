#include "model/recipe.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/config_reader.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::array kInterpolations{
    std::pair{"nearest", Interpolation::kNearest},   std::pair{"box", Interpolation::kBox},
    std::pair{"bilinear", Interpolation::kBilinear}, std::pair{"hamming", Interpolation::kHamming},
    std::pair{"bicubic", Interpolation::kBicubic},   std::pair{"lanczos", Interpolation::kLanczos}};
constexpr std::array kCropModes{std::pair{"center", CropMode::kCenter}, std::pair{"squash", CropMode::kSquash},
                                std::pair{"border", CropMode::kBorder}};

}  // namespace

PreprocessRecipe read_timm_recipe(const ConfigReader& reader, const json& cfg) {
  PreprocessRecipe recipe;
  recipe.crop_pct = reader.number(cfg, "crop_pct").value_or(0.875);
  if (!(recipe.crop_pct > 0.0) || recipe.crop_pct > 2.0) {
    reader.fail("crop_pct", cfg["crop_pct"].dump(), "a number above 0");
  }
  if (cfg.contains("input_size")) recipe.input_size = reader.as_size(cfg["input_size"], "input_size");
  recipe.interpolation = reader.choice(cfg, "interpolation", kInterpolations, recipe.interpolation);
  recipe.crop_mode = reader.choice(cfg, "crop_mode", kCropModes, recipe.crop_mode);
  recipe.mean = reader.rgb(cfg, "mean").value_or(std::array{0.485F, 0.456F, 0.406F});
  recipe.std = reader.rgb(cfg, "std").value_or(std::array{0.229F, 0.224F, 0.225F});
  if (std::any_of(recipe.std.begin(), recipe.std.end(), [](float value) { return !(value > 0.0F); })) {
    reader.fail("std", cfg["std"].dump(), "three numbers above 0");
  }
  return recipe;
}

}  // namespace fovea
