#include "model/recipe/recipe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "fovea/error.hpp"
#include "model/config/config.hpp"
#include "model/config/config_files.hpp"
#include "model/recipe/sources.hpp"

namespace fovea {
namespace {

using nlohmann::json;

/// A model's files that describe preprocessing.
struct RecipeFiles {  // NOLINT(bugprone-exception-escape): json checks itself when moved, and never fails
  std::optional<ConfigReader> config;        // config.json, or open_clip_config.json
  std::optional<ConfigReader> preprocessor;  // preprocessor_config.json, or processor_config.json
  std::string config_path;                   // their locations; empty if stored inside a checkpoint
  std::string preprocessor_path;
  json timm;               // pretrained_cfg; null if config.json is not timm's
  json processor;          // transformers' values; null if there are none
  bool open_clip = false;  // config is open_clip's
};

RecipeFiles open_files(const ConfigFiles& model) {
  RecipeFiles files;
  files.config_path = model.path(model.network()).native();
  files.config = model.reader(model.network());
  if (files.config) {
    const json& root = files.config->root();
    files.open_clip = root.contains("model_cfg");
    if (root.contains("pretrained_cfg")) {
      files.timm = files.config->object(root, "pretrained_cfg");
    } else if (root.contains("input_size")) {
      files.timm = root;  // flat, the form of older timm versions
    }
  }
  // A processor_config.json takes precedence if it holds the image processor's values, as in transformers.
  if (auto nested = model.reader("processor_config.json"); nested && nested->root().contains("image_processor")) {
    files.processor = nested->object(nested->root(), "image_processor");
    files.preprocessor = std::move(nested);
    files.preprocessor_path = model.path("processor_config.json").native();
  } else if (auto plain = model.reader("preprocessor_config.json")) {
    files.processor = plain->root();
    files.preprocessor = std::move(plain);
    files.preprocessor_path = model.path("preprocessor_config.json").native();
  }
  return files;
}

/// transformers' class for these files; empty if no file reveals it.
std::string processor_class(const RecipeFiles& files) {
  std::string type;
  if (files.preprocessor) type = processor_type(*files.preprocessor, files.processor);
  if (!type.empty() || !files.config) return type;
  const std::string model_type = files.config->text(files.config->root(), "model_type").value_or("");
  if (files.preprocessor && !has_paired_processor(model_type)) {
    files.preprocessor->fail("image_processor_type", "absent",
                             fmt::format("a class: transformers has none for the model_type '{}'", model_type));
  }
  return std::string(processor_of_model(model_type));
}

/// The input size in the files, for pipelines other than the files' own.
Size stated_size(const RecipeFiles& files) {
  if (files.config) {
    for (const json* place : {&files.timm, &files.config->root()}) {
      for (const char* key : {"input_size", "image_size"}) {
        if (!place->is_object() || !place->contains(key) || (*place)[key].is_null()) continue;
        const Size size = files.config->as_size((*place)[key], key);
        if (size.height > 0 && size.width > 0) return size;
      }
    }
  }
  return {224, 224};
}

ResolvedRecipe from_open_clip(const RecipeFiles& files, const std::optional<Size>& input_size) {
  const ModelConfig config = read_open_clip_config(*files.config);
  const Size built = config.input_size.value_or(config.image_size.value_or(Size{224, 224}));
  return {read_open_clip_recipe(*files.config, input_size.value_or(built)),
          fmt::format("{} (preprocess_cfg), open_clip's evaluation transform", files.config->file_name()), false,
          files.config_path};
}

ResolvedRecipe from_timm(const RecipeFiles& files, bool test_size) {
  const bool nested = files.config->root().contains("pretrained_cfg");
  json cfg = files.timm;
  if (const auto fed = timm_sizes(*files.config, test_size).fed) {
    cfg["input_size"] = {3U, static_cast<unsigned>(fed->height), static_cast<unsigned>(fed->width)};
  }
  return {read_timm_recipe(*files.config, cfg, test_size),
          fmt::format("{} ({}{}), timm's evaluation transform", files.config->file_name(),
                      nested ? "pretrained_cfg" : "flat, as older timm wrote it", test_size ? ", test size" : ""),
          false, files.config_path};
}

ResolvedRecipe from_transformers(const RecipeFiles& files, TransformersBackend backend, std::string_view why) {
  const std::string type = processor_class(files);
  const std::string_view backend_name = backend == TransformersBackend::kPil ? "hf-pil" : "hf-torchvision";
  if (files.preprocessor) {
    const std::string_view shown = type.empty() ? "ViTImageProcessor" : std::string_view(type);
    return {read_transformers_recipe(*files.preprocessor, files.processor, shown, backend),
            fmt::format("{} ({}{}), backend {}: {}", files.preprocessor->file_name(), shown,
                        type.empty() ? ", assumed" : "", backend_name, why),
            type.empty(), files.preprocessor_path};
  }
  return {transformers_recipe(type, backend, stated_size(files)),
          fmt::format("no preprocessor_config.json: the defaults of {}; backend {}: {}", type, backend_name, why),
          true,
          {}};
}

ResolvedRecipe from_preset(std::string_view preset, Size input_size, bool asked) {
  return {preset_recipe(preset, input_size),
          fmt::format("{}{}", asked ? "" : "no file says it: ", preset_about(preset)),
          !asked,
          {}};
}

[[noreturn]] void refuse(const std::string& message, const std::string& hint = {}) {
  throw Error(ErrorCode::kUsage, message, hint);
}

/// The recipe before the options change it.
ResolvedRecipe find_recipe(const RecipeFiles& files, const RecipeOptions& options,
                           const std::optional<Size>& input_size, std::string_view fallback) {
  const std::string_view wanted = options.preprocess;
  const bool automatic = wanted == "auto";
  if (options.test_size && (files.timm.is_null() || (!automatic && wanted != "timm"))) {
    refuse("--test-size is given, expected a model whose pretrained_cfg timm reads",
           "--image-size and --crop-pct set both for other models");
  }
  if (files.open_clip && automatic) return from_open_clip(files, input_size);
  if (!files.timm.is_null() && (automatic || wanted == "timm")) return from_timm(files, options.test_size);
  const bool transformers = files.preprocessor.has_value() || !processor_class(files).empty();
  if (transformers && (automatic || wanted == "hf-torchvision")) {
    return from_transformers(files, TransformersBackend::kTorchvision,
                             automatic ? "the default of transformers 5" : "as --preprocess says");
  }
  if (transformers && wanted == "hf-pil") {
    return from_transformers(files, TransformersBackend::kPil, "as --preprocess says");
  }
  return from_preset(automatic ? fallback : wanted, input_size.value_or(stated_size(files)), !automatic);
}

void check_name(const std::string& wanted) {
  const auto names = preprocess_names();
  if (std::find(names.begin(), names.end(), wanted) != names.end()) return;
  const std::vector<std::string> known(names.begin(), names.end());
  throw Error(ErrorCode::kUsage,
              fmt::format("--preprocess is '{}', expected one of {}", wanted, fmt::join(known, ", ")),
              did_you_mean(wanted, known));
}

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

void change_sizes(PreprocessRecipe& recipe, const RecipeOptions& options) {
  if (options.crop_pct && options.resize_size) {
    refuse(
        "--crop-pct and --resize-size are both given, expected one: each of them sets the size of the picture before "
        "the crop");
  }
  if (options.crop_size) recipe = with_input_size(recipe, *options.crop_size);
  if (options.crop_mode) set_crop_mode(recipe, *options.crop_mode);
  if (options.crop_pct) {
    if (!(*options.crop_pct > 0.0) || *options.crop_pct > 2.0) {
      refuse(fmt::format("--crop-pct is {}, expected a number above 0, up to 2", *options.crop_pct));
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
    refuse(fmt::format("--std is {}, expected three numbers above 0", fmt::join(recipe.std, " ")));
  }
  if (recipe.resize == ResizeRule::kFit) recipe.padding = mean_color(recipe.mean);
  const bool aten = recipe.resampler != Resampler::kPillow;
  if (!has_filter(recipe.resampler, recipe.interpolation)) {
    const bool floats = recipe.resampler == Resampler::kAtenFloat;
    refuse(
        fmt::format("--interpolation is {}, expected {}, which the pipeline {} uses", name(recipe.interpolation),
                    floats ? "bilinear or bicubic of torch's resampler" : "a filter of torch's resampler", recipe.name),
        floats ? "" : "use --preprocess hf-pil, which has all six filters");
  }
  if (options.pillow_version) {
    if (*options.pillow_version != 12 && *options.pillow_version != 13) {
      refuse(fmt::format("--pillow-compat is {}, expected 12 or 13", *options.pillow_version));
    }
    if (aten) {
      refuse(fmt::format("--pillow-compat is {}, but the pipeline {} resamples with torch", *options.pillow_version,
                         recipe.name),
             "use --preprocess hf-pil, which resamples with Pillow");
    }
    recipe.pillow_version = *options.pillow_version;
  }
}

/// "changed by --crop-pct, --mean"; empty if nothing was.
std::string changes(const RecipeOptions& options) {
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

void check_input_size(const ResolvedRecipe& resolved) {
  constexpr int kMost = 16384;  // a picture of that size on both sides has 800 MB
  const Size size = resolved.recipe.input_size;
  if (std::min(size.height, size.width) >= 1 && std::max(size.height, size.width) <= kMost) return;
  throw Error(ErrorCode::kCheckpoint,
              fmt::format("{}: the input is {}x{} px, expected sides of 1 to {} px", resolved.source, size.height,
                          size.width, kMost),
              "use --crop-size to set the model's input size");
}

}  // namespace

PreprocessRecipe with_input_size(PreprocessRecipe recipe, Size input_size) {
  const Size from = std::exchange(recipe.input_size, input_size);
  if (input_size == from || recipe.resize == ResizeRule::kNone) return recipe;
  const auto scaled = [](int side, int before, int after) {
    return static_cast<int>(std::clamp(std::nearbyint(static_cast<double>(side) * after / before), 1.0, 1e6));
  };
  const bool same_shape = static_cast<std::int64_t>(from.height) * input_size.width ==
                          static_cast<std::int64_t>(from.width) * input_size.height;
  if (recipe.crop_pct > 0.0) {
    recipe.resize_size = size_before_crop(input_size, recipe.crop_pct);
  } else {
    recipe.resize_size = {scaled(recipe.resize_size.height, from.height, input_size.height),
                          scaled(recipe.resize_size.width, from.width, input_size.width)};
    recipe.longest_edge = scaled(recipe.longest_edge, from.height, input_size.height);
  }
  const bool square = recipe.resize_size.height == recipe.resize_size.width;
  const bool by_edge = recipe.resize == ResizeRule::kShortestEdge || recipe.resize == ResizeRule::kCapped;
  if (by_edge && !square && !(same_shape && recipe.crop_pct == 0.0)) recipe.resize = ResizeRule::kCover;
  if (recipe.resize == ResizeRule::kCover && square && recipe.crop_pct > 0.0) recipe.resize = ResizeRule::kShortestEdge;
  return recipe;
}

std::optional<Size> prepared_size(const ConfigFiles& model, const RecipeOptions& options) {
  check_name(options.preprocess);
  const RecipeFiles files = open_files(model);
  const bool own = options.preprocess == "auto" || options.preprocess.starts_with("hf-");
  if (!own || !files.preprocessor || !files.timm.is_null() || files.open_clip) return std::nullopt;
  const auto backend = options.preprocess == "hf-pil" ? TransformersBackend::kPil : TransformersBackend::kTorchvision;
  return read_transformers_recipe(*files.preprocessor, files.processor, processor_class(files), backend).input_size;
}

ResolvedRecipe resolve_recipe(const std::filesystem::path& model, const RecipeOptions& options,
                              const std::optional<Size>& input_size, std::string_view fallback) {
  return resolve_recipe(ConfigFiles(model), options, input_size, fallback);
}

ResolvedRecipe resolve_recipe(const ConfigFiles& files, const RecipeOptions& options,
                              const std::optional<Size>& input_size, std::string_view fallback) {
  check_name(options.preprocess);
  if (options.crop_size && input_size && *options.crop_size != *input_size) {
    refuse(fmt::format("--crop-size is {}x{} px (height x width), expected {}x{}, the model's input size",
                       options.crop_size->height, options.crop_size->width, input_size->height, input_size->width),
           "use --image-size to change the model's input size");
  }
  ResolvedRecipe resolved = find_recipe(open_files(files), options, input_size, fallback);
  if (input_size && *input_size != resolved.recipe.input_size) {
    resolved.source += fmt::format("; adapted from {}x{} to {}x{} px", resolved.recipe.input_size.height,
                                   resolved.recipe.input_size.width, input_size->height, input_size->width);
    resolved.recipe = with_input_size(resolved.recipe, *input_size);
    resolved.changed = true;
  }
  change_sizes(resolved.recipe, options);
  change_values(resolved.recipe, options);
  check_input_size(resolved);
  if (const std::string changed = changes(options); !changed.empty()) {
    resolved.source += "; " + changed;
    resolved.changed = true;
  }
  return resolved;
}

}  // namespace fovea
