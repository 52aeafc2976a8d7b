// timm's recipes: `pretrained_cfg`, and the evaluation transform that it describes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "fovea/error.hpp"
#include "model/recipe/recipe.hpp"
#include "model/recipe/sources.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::array kInterpolations{
    std::pair{"nearest", Interpolation::kNearest},   std::pair{"box", Interpolation::kBox},
    std::pair{"bilinear", Interpolation::kBilinear}, std::pair{"hamming", Interpolation::kHamming},
    std::pair{"bicubic", Interpolation::kBicubic},   std::pair{"lanczos", Interpolation::kLanczos}};
constexpr std::array kCropModes{std::pair{"center", CropMode::kCenter}, std::pair{"squash", CropMode::kSquash},
                                std::pair{"border", CropMode::kBorder}};

/// The number as it was written in the config: 0.3F is not 0.3, and 255 · 0.3 is a tie.
double written(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double number = 0.0;
  std::from_chars(text.data(), end, number);
  return number;
}

}  // namespace

std::array<std::uint8_t, 3> mean_color(const std::array<float, 3>& mean) {
  std::array<std::uint8_t, 3> color{};
  for (std::size_t c = 0; c < 3; ++c) {
    color[c] = static_cast<std::uint8_t>(std::clamp(std::nearbyint(255.0 * written(mean[c])), 0.0, 255.0));
  }
  return color;
}

Size size_before_crop(Size input_size, double crop_pct) {
  constexpr double kMost = 1'000'000.0;
  const double height = std::floor(input_size.height / crop_pct);
  const double width = std::floor(input_size.width / crop_pct);
  const auto possible = [](double side) { return side >= 1.0 && side <= kMost; };  // false for NaN, too
  if (!possible(height) || !possible(width)) {
    throw Error(ErrorCode::kShape,
                fmt::format("recipe: an input of {}x{} px at crop_pct {} is {:.0f}x{:.0f} px before the crop, expected "
                            "sides of 1 to {:.0f} px",
                            input_size.height, input_size.width, crop_pct, height, width, kMost));
  }
  return {static_cast<int>(height), static_cast<int>(width)};
}

PreprocessRecipe timm_recipe(Size input_size, double crop_pct, CropMode crop_mode, Interpolation interpolation) {
  PreprocessRecipe recipe;
  recipe.input_size = input_size;
  recipe.crop_pct = crop_pct;
  recipe.resize_size = size_before_crop(input_size, crop_pct);
  recipe.interpolation = interpolation;
  const bool square = recipe.resize_size.height == recipe.resize_size.width;
  switch (crop_mode) {
    case CropMode::kCenter: recipe.resize = square ? ResizeRule::kShortestEdge : ResizeRule::kCover; break;
    case CropMode::kSquash: recipe.resize = ResizeRule::kExact; break;
    case CropMode::kBorder:
      recipe.resize = ResizeRule::kFit;
      recipe.padding = mean_color(recipe.mean);
      break;
  }
  return recipe;
}

PreprocessRecipe read_timm_recipe(const ConfigReader& reader, const json& cfg, bool test_size) {
  const bool tested = test_size && reader.number(cfg, "test_crop_pct").value_or(0.0) != 0.0;  // timm: 0 is none
  const char* const key = tested ? "test_crop_pct" : "crop_pct";
  const double crop_pct = reader.number(cfg, key).value_or(0.875);
  if (!(crop_pct > 0.0) || crop_pct > 2.0) reader.fail(key, cfg[key].dump(), "a number above 0");
  const bool sized = cfg.contains("input_size") && !cfg["input_size"].is_null();
  const Size input_size = sized ? reader.as_size(cfg["input_size"], "input_size") : Size{224, 224};
  if (input_size.height == 0 || input_size.width == 0) {
    reader.fail("input_size", cfg["input_size"].dump(), "sides above 0");
  }
  PreprocessRecipe recipe =
      timm_recipe(input_size, crop_pct, reader.choice(cfg, "crop_mode", kCropModes, CropMode::kCenter),
                  reader.choice(cfg, "interpolation", kInterpolations, Interpolation::kBicubic));
  recipe.mean = reader.rgb(cfg, "mean").value_or(kImagenetMean);
  recipe.std = reader.rgb(cfg, "std").value_or(kImagenetStd);
  if (std::any_of(recipe.std.begin(), recipe.std.end(), [](float value) { return !(value > 0.0F); })) {
    reader.fail("std", cfg["std"].dump(), "three numbers above 0");
  }
  if (recipe.resize == ResizeRule::kFit) recipe.padding = mean_color(recipe.mean);
  return recipe;
}

}  // namespace fovea
