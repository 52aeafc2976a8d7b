#include "cli/options/recipe_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "cli/options/options.hpp"
#include "fovea/error.hpp"
#include "model/recipe/recipe.hpp"

namespace fovea::cli {
namespace {

constexpr std::array kInterpolations{Interpolation::kNearest, Interpolation::kBox,     Interpolation::kBilinear,
                                     Interpolation::kHamming, Interpolation::kBicubic, Interpolation::kLanczos};
constexpr std::array kCropModes{CropMode::kCenter, CropMode::kSquash, CropMode::kBorder};

template <typename Values>
std::vector<std::string> names_of(const Values& values) {
  std::vector<std::string> names;
  names.reserve(values.size());
  for (const auto value : values) names.emplace_back(name(value));
  return names;
}

/// The value of this name; add_choice() has already refused unknown names.
template <typename Values>
std::optional<typename Values::value_type> value_named(const Values& values, const std::string& text) {
  const auto found = std::find_if(values.begin(), values.end(), [&](auto value) { return name(value) == text; });
  return found == values.end() ? std::nullopt : std::optional(*found);
}

/// The whole of `text` as a whole number.
std::optional<int> whole_number_of(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return whole ? std::optional(number) : std::nullopt;
}

[[noreturn]] void refuse(std::string_view flag, const std::string& text, std::string_view expected) {
  throw Error(ErrorCode::kUsage, fmt::format("{} is '{}', expected {}", flag, text, expected));
}

std::optional<double> parse_number(std::string_view flag, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto number = finite_number(text);
  if (!number) refuse(flag, text, "a finite number");
  return number;
}

/// Decimal to double, then double to float: as the numbers of a config are read.
std::optional<std::array<float, 3>> parse_rgb(std::string_view flag, const std::string& text) {
  if (text.empty()) return std::nullopt;
  std::array<float, 3> rgb{};
  std::string_view rest = text;
  for (std::size_t c = 0; c < rgb.size(); ++c) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const auto number = finite_number(rest.substr(0, comma));
    const bool last = comma == rest.size();
    if (!number || last != (c + 1 == rgb.size())) refuse(flag, text, "three finite numbers, as in 0.485,0.456,0.406");
    rgb[c] = static_cast<float>(*number);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return rgb;
}

std::optional<Size> parse_optional_size(std::string_view flag, const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(parse_size(flag, text));
}

std::string_view name(ResizeRule rule) {
  constexpr std::array<std::string_view, 7> kNames{"none", "shortest_edge", "shortest_edge_capped", "cover",
                                                   "fit",  "exact",         "most_patches"};
  return kNames[static_cast<std::size_t>(rule)];
}

template <typename Numbers>
std::string json_numbers(const Numbers& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

}  // namespace

void add_recipe_options(CLI::App& app, RecipeFlags& flags) {
  const std::string group = "Preprocessing";
  const auto pipelines = preprocess_names();
  add_choice(app, "--preprocess", flags.preprocess, {pipelines.begin(), pipelines.end()},
             "library whose preprocessing is reproduced; auto: the one that the model's files name")
      ->group(group);
  const auto add = [&](const std::string& flag, std::string& value, const char* type, const std::string& about) {
    app.add_option(flag, value, about)->type_name(type)->group(group);
  };
  app.add_flag("--test-size", flags.test_size,
               "timm's models: the larger size and crop that their config has for evaluation, test_input_size and "
               "test_crop_pct")
      ->group(group);
  add("--crop-pct", flags.crop_pct, "0..2", "input size divided by the size before the crop");
  add("--resize-size", flags.resize_size, "N|HxW", "size before the crop, in pixels");
  add("--crop-size", flags.crop_size, "N|HxW", "size of the crop, in pixels: the model's input");
  add_choice(app, "--crop-mode", flags.crop_mode, names_of(kCropModes),
             "center: cut out the middle; squash: change the aspect ratio; border: pad")
      ->group(group);
  add_choice(app, "--interpolation", flags.interpolation, names_of(kInterpolations), "filter for resizing")
      ->group(group);
  add("--mean", flags.mean, "R,G,B", "mean of each channel; subtracted from pixel values in 0..1");
  add("--std", flags.std, "R,G,B",
      "standard deviation of each channel; pixel values are divided by it after --mean is subtracted");
  add_choice(app, "--pillow-compat", flags.pillow_compat, {"12", "13"}, "Pillow version whose resizing is reproduced")
      ->group(group);
}

RecipeOptions recipe_options(const RecipeFlags& flags) {
  RecipeOptions options;
  options.preprocess = flags.preprocess;
  options.test_size = flags.test_size;
  options.crop_pct = parse_number("--crop-pct", flags.crop_pct);
  options.resize_size = parse_optional_size("--resize-size", flags.resize_size);
  options.crop_size = parse_optional_size("--crop-size", flags.crop_size);
  options.crop_mode = value_named(kCropModes, flags.crop_mode);
  options.interpolation = value_named(kInterpolations, flags.interpolation);
  options.mean = parse_rgb("--mean", flags.mean);
  options.std = parse_rgb("--std", flags.std);
  options.pillow_version = whole_number_of(flags.pillow_compat);
  return options;
}

std::map<std::string, std::string> option_texts(const RecipeFlags& flags) {
  std::map<std::string, std::string> given{{"preprocess", flags.preprocess},
                                           {"crop-pct", flags.crop_pct},
                                           {"resize-size", flags.resize_size},
                                           {"crop-size", flags.crop_size},
                                           {"crop-mode", flags.crop_mode},
                                           {"interpolation", flags.interpolation},
                                           {"mean", flags.mean},
                                           {"std", flags.std},
                                           {"pillow-compat", flags.pillow_compat}};
  if (flags.test_size) given["test-size"] = "true";
  std::erase_if(given, [](const auto& option) { return option.second.empty(); });
  return given;
}

Size parse_size(std::string_view flag, const std::string& text) {
  constexpr int kMost = 16384;
  const std::size_t cross = std::min(text.find('x'), text.size());
  const auto height = whole_number_of(std::string_view(text).substr(0, cross));
  const auto width = cross == text.size() ? height : whole_number_of(std::string_view(text).substr(cross + 1));
  const auto possible = [](const std::optional<int>& side) { return side && *side >= 1 && *side <= kMost; };
  if (!possible(height) || !possible(width)) {
    refuse(flag, text, fmt::format("pixels, as in 224 or 240x320 (height x width), up to {}", kMost));
  }
  return {*height, *width};
}

JsonObject recipe_json(const PreprocessRecipe& recipe, std::string_view source) {
  const auto size_json = [](Size size) { return fmt::format("[{}, {}]", size.height, size.width); };
  JsonObject json;
  json.add("name", recipe.name).add("source", source);
  json.add("resize", name(recipe.resize)).add_raw("resize_size", size_json(recipe.resize_size));
  if (recipe.max_patches > 0) json.add("max_patches", recipe.max_patches).add("patch_size", recipe.patch_size);
  if (recipe.resize == ResizeRule::kCapped) json.add("longest_edge", recipe.longest_edge);
  json.add("interpolation", fovea::name(recipe.interpolation));
  constexpr std::array<std::string_view, 3> kResamplers{"pillow", "aten", "aten_float"};
  json.add("resampler", kResamplers[static_cast<std::size_t>(recipe.resampler)]);
  if (recipe.resampler == Resampler::kPillow) json.add("pillow_version", recipe.pillow_version);
  json.add("center_crop", recipe.center_crop).add_raw("input_size", size_json(recipe.input_size));
  if (recipe.crop_pct > 0.0) json.add("crop_pct", recipe.crop_pct);
  json.add("crop_rounding", recipe.crop_rounding == CropRounding::kFloor ? "floor" : "half_even");
  json.add_raw("padding", json_numbers(recipe.padding));
  constexpr std::array<std::string_view, 4> kForms{"divide", "rescale", "fused", "scaled"};
  json.add("normalization", kForms[static_cast<std::size_t>(recipe.normalization)]);
  json.add("rescale_factor", recipe.rescale_factor).add("normalize", recipe.normalize);
  json.add_raw("mean", json_numbers(recipe.mean)).add_raw("std", json_numbers(recipe.std));
  json.add("exif", recipe.exif == ExifMode::kApply ? "apply" : "ignore");
  return json;
}

}  // namespace fovea::cli
