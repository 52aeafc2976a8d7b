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
#include "model/recipe/recipe_changes.hpp"
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

/// The recipe before the options change it.
ResolvedRecipe find_recipe(const RecipeFiles& files, const RecipeOptions& options,
                           const std::optional<Size>& input_size, std::string_view fallback) {
  const std::string_view wanted = options.preprocess;
  const bool automatic = wanted == "auto";
  if (options.test_size && (files.timm.is_null() || (!automatic && wanted != "timm"))) {
    refuse_recipe("--test-size is given, expected a model whose pretrained_cfg timm reads",
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
  if (std::exchange(recipe.max_patches, 0) > 0) {  // one size for all pictures, in place of each picture's own
    if (recipe.resize == ResizeRule::kMostPatches) recipe.resize = ResizeRule::kExact;
    recipe.resize_size = input_size;
    return recipe;
  }
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

std::optional<PreprocessRecipe> prepared_recipe(const ConfigFiles& model, const RecipeOptions& options) {
  check_name(options.preprocess);
  const RecipeFiles files = open_files(model);
  const bool own = options.preprocess == "auto" || options.preprocess.starts_with("hf-");
  if (!own || !files.preprocessor || !files.timm.is_null() || files.open_clip) return std::nullopt;
  const auto backend = options.preprocess == "hf-pil" ? TransformersBackend::kPil : TransformersBackend::kTorchvision;
  return read_transformers_recipe(*files.preprocessor, files.processor, processor_class(files), backend);
}

ResolvedRecipe resolve_recipe(const std::filesystem::path& model, const RecipeOptions& options,
                              const std::optional<Size>& input_size, std::string_view fallback) {
  return resolve_recipe(ConfigFiles(model), options, input_size, fallback);
}

ResolvedRecipe resolve_recipe(const ConfigFiles& files, const RecipeOptions& options,
                              const std::optional<Size>& input_size, std::string_view fallback) {
  check_name(options.preprocess);
  if (options.crop_size && input_size && *options.crop_size != *input_size) {
    refuse_recipe(
        fmt::format("--crop-size is {}x{} px (height x width), expected {}x{}, the model's input size",
                    options.crop_size->height, options.crop_size->width, input_size->height, input_size->width),
        "use --image-size to change the model's input size");
  }
  ResolvedRecipe resolved = find_recipe(open_files(files), options, input_size, fallback);
  const bool own_sizes = resolved.recipe.max_patches > 0;
  if (input_size && (own_sizes || *input_size != resolved.recipe.input_size)) {
    resolved.source += own_sizes ? fmt::format("; all pictures at {}x{} px", input_size->height, input_size->width)
                                 : fmt::format("; adapted from {}x{} to {}x{} px", resolved.recipe.input_size.height,
                                               resolved.recipe.input_size.width, input_size->height, input_size->width);
    resolved.recipe = with_input_size(resolved.recipe, *input_size);
    resolved.changed = true;
  }
  change_sizes(resolved.recipe, options);
  change_values(resolved.recipe, options);
  check_input_size(resolved);
  if (const std::string changed = recipe_changes(options); !changed.empty()) {
    resolved.source += "; " + changed;
    resolved.changed = true;
  }
  return resolved;
}

}  // namespace fovea
