#include "cli/options/model_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>

#include "cli/options/options.hpp"
#include "fovea/error.hpp"
#include "fovea/precision.hpp"

namespace fovea::cli {
namespace {

std::string size_text(Size size) {
  return fmt::format("{}x{}", size.height, size.width);
}

constexpr std::string_view kCascade = "cascade";

std::vector<std::string> precision_names() {
  std::vector<std::string> names{"auto"};
  for (const Precision precision : kPrecisions) names.emplace_back(name(precision));
  names.emplace_back(kCascade);
  return names;
}

/// None for "auto" and for "cascade".
std::optional<Precision> precision_of(const ModelFlags& flags) {
  for (const Precision precision : kPrecisions) {
    if (name(precision) == flags.precision) return precision;
  }
  return std::nullopt;
}

}  // namespace

void add_model_options(CLI::App& app, ModelFlags& flags) {
  const std::string group = "Model";
  app.add_option("--image-size", flags.image_size,
                 "size of the model's input in pixels; position embeddings are resampled")
      ->type_name("N|HxW")
      ->group(group);
  add_count(app, "--heads", flags.heads, 1, "number of attention heads, if the model's files do not state it")
      ->default_str("")
      ->group(group);
  app.add_option("--weights", flags.weights,
                 "key of the weights in a training checkpoint that holds several; default: averaged weights first, as "
                 "in timm")
      ->type_name("KEY")
      ->group(group);
  app.add_option("--ignore-config", flags.ignore_config,
                 "ignore a key of the model's config files, such as model_args.KEY; may be given more than once, and "
                 "results record it")
      ->allow_extra_args(false)
      ->take_all()
      ->type_name("KEY")
      ->group(group);
  add_choice(
      app, "--precision", flags.precision, precision_names(),
      "arithmetic of the linear layers; auto: the precision that a quantised file was made for, else the faster of "
      "f32 and bf16x3, which are equally accurate; cascade: the quick precision of a file of `quantize --cascade`, and "
      "once more as auto where the classes could come out otherwise")
      ->group(group);
  add_recipe_options(app, flags.recipe);
}

LoadOptions load_options(const ModelFlags& flags, const TensorImages* tensors) {
  LoadOptions options;
  if (!flags.image_size.empty()) options.image_size = parse_size("--image-size", flags.image_size);
  if (flags.heads > 0) options.num_heads = flags.heads;
  options.weights = flags.weights;
  options.ignore_config = flags.ignore_config;
  options.recipe = recipe_options(flags.recipe);
  options.precision = precision_of(flags);
  options.cascade = flags.precision == kCascade;
  if (tensors == nullptr) return options;
  if (options.image_size && *options.image_size != tensors->size()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--image-size is {}, expected {}, the size of the pictures of --tensor",
                            size_text(*options.image_size), size_text(tensors->size())),
                "leave out --image-size");
  }
  options.image_size = tensors->size();
  return options;
}

std::string input_text(const Architecture& a) {
  return a.max_patches == 0 ? size_text(a.image_size)
                            : fmt::format("of each picture, at most {} patches of {} px", a.max_patches, a.patch_size);
}

std::map<std::string, std::string> option_texts(const ModelFlags& flags) {
  std::map<std::string, std::string> texts = option_texts(flags.recipe);
  if (!flags.image_size.empty()) texts["image-size"] = flags.image_size;
  if (flags.heads > 0) texts["heads"] = std::to_string(flags.heads);
  if (!flags.weights.empty()) texts["weights"] = flags.weights;
  if (!flags.ignore_config.empty()) texts["ignore-config"] = fmt::format("{}", fmt::join(flags.ignore_config, ","));
  texts["precision"] = flags.precision;
  return texts;
}

std::map<std::string, std::string> resolved_texts(const ModelInfo& model, bool cascade) {
  const std::string precision(name(model.precision));
  std::map<std::string, std::string> texts{
      {"image size", input_text(model.architecture)},
      {"heads", std::to_string(model.architecture.num_heads)},
      {"precision", cascade ? fmt::format("cascade of {} and {}", name(model.cascade->quick), precision) : precision},
      {"recipe", recipe_json(model.recipe, model.recipe_source).line()}};
  if (!model.weights_key.empty()) texts["weights"] = model.weights_key;
  if (!model.ignored_config.empty()) texts["ignored"] = fmt::format("{}", fmt::join(model.ignored_config, ","));
  return texts;
}

}  // namespace fovea::cli
