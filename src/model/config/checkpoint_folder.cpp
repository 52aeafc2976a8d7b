#include "model/config/checkpoint_folder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <system_error>
#include <utility>

#include "base/files.hpp"
#include "checkpoint/unwrapped.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/precision.hpp"
#include "model/config/apply_config.hpp"
#include "model/config/config.hpp"
#include "model/config/config_files.hpp"
#include "model/config/input_size.hpp"
#include "model/config/labels.hpp"
#include "model/config/weights_file.hpp"
#include "model/family/other_kinds.hpp"
#include "model/learned/learned_file.hpp"
#include "model/quantize/cascade.hpp"
#include "model/quantize/quantized_file.hpp"
#include "model/recipe/recipe.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kUsualHeadDim = 64;  // in every ViT of the papers

/// The number of heads: from the user, the config or the tensors, or else from the width.
std::size_t resolve_heads(const ModelConfig& config, const LoadOptions& options, const Architecture& a,
                          std::vector<std::string>& assumptions) {
  if (options.num_heads) return *options.num_heads;
  if (config.num_heads) return *config.num_heads;
  if (a.num_heads > 0) return a.num_heads;
  const std::size_t heads = std::max<std::size_t>(1, a.embed_dim / kUsualHeadDim);
  assumptions.push_back(
      fmt::format("num_heads {} from width {} ({} a head): no config states it; use --heads N if it differs", heads,
                  a.embed_dim, kUsualHeadDim));
  return heads;
}

/// exp(logit_scale) and logit_bias of CLIP and SigLIP.
void read_logit_scale(const Checkpoint& checkpoint, const Naming& naming, ModelInfo& info) {
  const auto scalar = [&](Role role) -> std::optional<float> {
    const TensorRule* rule = naming.rule(role, Part::kWeight);
    const TensorView* tensor = rule == nullptr ? nullptr : checkpoint.find(naming.tensor_name(*rule));
    if (tensor == nullptr) return std::nullopt;
    return to_float(*tensor).front();
  };
  if (const auto scale = scalar(Role::kLogitScale)) info.logit_scale = std::exp(*scale);
  info.logit_bias = scalar(Role::kLogitBias);
}

TensorInfo info_of(const TensorView& tensor) {
  return {tensor.name, std::string(name(tensor.dtype)), tensor.shape};
}

void describe_storage(const Checkpoint& checkpoint, ModelInfo& info) {
  std::set<std::string> types;
  for (const TensorView& tensor : checkpoint.tensors()) {
    if (!info.quantized || !tensor.name.ends_with(kScaleSuffix)) info.parameters += tensor.numel();
    info.weight_bytes += tensor.stored_bytes();
    types.emplace(name(tensor.dtype));
    info.tensors.push_back(info_of(tensor));
  }
  for (const std::string& type : types) info.dtype += (info.dtype.empty() ? "" : "+") + type;
}

/// The family, after what wrappers have added to the names is taken off: marks always, prefixes only as far as needed,
/// because some families have a prefix of the same name.
std::optional<Naming> recognise_unwrapped(std::unique_ptr<Checkpoint>& checkpoint, bool has_config) {
  for (std::string mark = wrapper_mark(*checkpoint); !mark.empty(); mark = wrapper_mark(*checkpoint)) {
    checkpoint = without_wrapper(std::move(checkpoint), mark);
  }
  for (;;) {
    checkpoint = with_plain_head(image_tower(std::move(checkpoint)));
    if (auto naming = recognise_family(*checkpoint, has_config)) return naming;
    const std::string prefix = wrapper_prefix(*checkpoint);
    if (prefix.empty()) return std::nullopt;
    checkpoint = without_wrapper(std::move(checkpoint), prefix);
  }
}

/// A container around the head may hold one linear layer, as with dropout before it.
void check_head(const Checkpoint& checkpoint, const std::string& file) {
  const std::vector<std::string> layers = contained_heads(checkpoint);
  if (layers.empty()) return;
  throw Error(
      ErrorCode::kCheckpoint,
      fmt::format("{}: the head has the layers '{}', expected one linear layer", file, fmt::join(layers, "', '")),
      "heads of several layers are not computed; `fovea inspect -v` lists a checkpoint's tensors");
}

[[noreturn]] void fail_unrecognised(const Checkpoint& checkpoint, const std::string& file) {
  const auto other = other_kind(checkpoint);
  throw Error(ErrorCode::kCheckpoint,
              other ? fmt::format("{}: the tensors are those of {}, expected a Vision Transformer", file, other->what)
                    : fmt::format("{}: the tensor names match no known family of Vision Transformers, expected names "
                                  "such as 'patch_embed.proj.weight'",
                                  file),
              other ? std::string(other->hint)
                    : "`fovea inspect -v` lists a checkpoint's tensors; GUIDE.md lists the families that are read");
}

constexpr std::string_view kOneSize = "--image-size HxW feeds all pictures at one size";

/// The recipe of a NaFlex model, which takes pictures of any shape, cut into patches of its own size.
ResolvedRecipe own_sizes_recipe(const ConfigFiles& files, const RecipeOptions& options, const std::string& usual,
                                std::size_t patch_size, const std::string& file) {
  ResolvedRecipe resolved = resolve_recipe(files, options, std::nullopt, usual);
  const PreprocessRecipe& recipe = resolved.recipe;
  if (recipe.max_patches == 0) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: the model is a NaFlex one, which is fed each picture in its own shape, and its "
                            "pictures are prepared by {}, expected Siglip2ImageProcessor",
                            file, resolved.source),
                std::string(kOneSize));
  }
  if (static_cast<std::size_t>(recipe.patch_size) != patch_size) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: pictures are cut into patches of {} px, expected {} px, as the model has them: they "
                            "are prepared by {}",
                            file, recipe.patch_size, patch_size, resolved.source),
                std::string(kOneSize));
  }
  return resolved;
}

/// The size that the files on preprocessing give every picture, if they do.
/// @throws Error  kCheckpoint if they give each one a size of its own, and the model takes one size.
std::optional<Size> prepared_size(const ConfigFiles& files, const LoadOptions& options, const std::string& file) {
  const auto recipe = prepared_recipe(files, options.recipe);
  if (!recipe) return std::nullopt;
  if (recipe->max_patches == 0 || options.image_size) return recipe->input_size;
  throw Error(ErrorCode::kCheckpoint,
              fmt::format("{}: Siglip2ImageProcessor prepares the pictures, each in its own shape, expected one size: "
                          "transformers raises an error for this model",
                          file),
              std::string(kOneSize));
}

/// The head in the file is not the one that the config describes.
void apply_learned(const LearnedClasses& learned, ModelConfig& config) {
  config.expects_head = true;
  config.num_classes = learned.labels.size();
  config.labels = learned.labels;
  config.labels_have_gaps = false;
  config.multi_label = false;
  config.regression = false;
  config.one_class_is_sigmoid = false;
}

/// What --preprocess calls the evaluation transform of the authors' own code, where no file says any. DeiT's and MAE's
/// files have timm's names, and are told by what they are called, as is DINOv3's training data.
std::string usual_recipe(const OpenModel& open, const fs::path& file) {
  const auto stored = open.checkpoint->metadata();
  if (const auto found = stored.find(std::string(kUsualRecipeKey)); found != stored.end()) return found->second;
  const Family& family = open.naming->family();
  const std::string stem = file.stem().string();
  if (open.config.empty() && family.name == "timm ViT") {
    if (stem.starts_with("deit_3") || stem.starts_with("deit3")) return "deit3";
    if (stem.starts_with("deit") || open.naming->has(Option::kDistilled)) return "deit";
    if (stem.starts_with("mae_")) return "mae";
  }
  if (family.name == "DINOv3" && stem.find("sat493m") != std::string::npos) return "dinov3-sat";
  return std::string(family.conventions.preprocess);
}

}  // namespace

std::vector<TensorInfo> list_tensors(const fs::path& model, const LoadOptions& options) {
  const auto checkpoint = open_checkpoint(checkpoint_file(model), options.weights);
  std::vector<TensorInfo> tensors;
  for (const TensorView& tensor : checkpoint->tensors()) tensors.push_back(info_of(tensor));
  return tensors;
}

OpenModel open_model(const fs::path& model, const LoadOptions& options) {
  OpenModel open;
  const fs::path file = checkpoint_file(model);
  const std::string shown = printable(file);
  open.checkpoint = open_with_head(model, file, options.weights);
  const std::optional<CascadeInfo> cascade = stored_cascade(*open.checkpoint, shown);
  if (cascade) {
    const bool quick = options.precision == cascade->quick;
    open.checkpoint = cascade_form(std::move(open.checkpoint), quick ? options.precision : std::nullopt);
  }
  ConfigFiles files(file, *open.checkpoint);
  files.ignore(options.ignore_config);
  ModelConfig config;
  if (const auto reader = files.reader(files.network())) {
    open.config = *files.text(files.network());
    config = read_model_config(*reader, options.recipe.test_size);
  }
  const auto learned = learned_classes(*open.checkpoint, shown);
  if (learned) apply_learned(*learned, config);
  open.naming = recognise_unwrapped(open.checkpoint, !open.config.empty());
  if (!open.naming) fail_unrecognised(*open.checkpoint, shown);
  check_head(*open.checkpoint, shown);
  if (config.expects_head) open.naming->expect(Option::kHead);

  ModelInfo& info = open.info;
  info.path = file;
  info.cascade = cascade;
  info.quantized = quantized_precision(*open.checkpoint, shown);
  info.precision = options.precision.value_or(info.quantized && has_units(*info.quantized) ? *info.quantized
                                                                                           : fastest_full_precision());
  // A file that fovea made is a model of its own, whatever folder it lies in.
  info.name = learned || info.quantized || cascade ? file.stem().string() : model_name(file);
  info.format = open.checkpoint->format();
  const WeightsOrigin origin = open.checkpoint->origin();
  info.weights_key = origin.key;
  info.stripped = origin.stripped;
  info.ignored_config = options.ignore_config;
  Architecture a = infer_architecture(*open.naming, *open.checkpoint, {}, shown);
  const Conventions& conventions = open.naming->family().conventions;
  if (learned) {
    config.read_out.reset();
    a.read_out = learned->read_out;
    a.read_out_blocks = learned->read_out_blocks;
  }
  apply_config(config, conventions, shown, a);
  a.num_heads = resolve_heads(config, options, a, info.assumptions);
  info.usual_recipe = usual_recipe(open, file);
  std::optional<ResolvedRecipe> own_sizes;
  if (config.size_of_each_picture && !options.image_size) {
    own_sizes = own_sizes_recipe(files, options.recipe, info.usual_recipe, a.patch_size, shown);
    a.max_patches = static_cast<std::size_t>(own_sizes->recipe.max_patches);
  }
  resolve_image_size(
      {config, options.image_size, own_sizes ? own_sizes->recipe.input_size : prepared_size(files, options, shown),
       open.config.empty() ? conventions.evaluation_size : std::nullopt,
       count_positions(*open.naming, *open.checkpoint, Role::kPosEmbed),
       count_positions(*open.naming, *open.checkpoint, Role::kRelativePosition), shown},
      info.assumptions, a);
  a.pos_embed_rounding = rounding_of_positions(*open.naming, *open.checkpoint, config, options.image_size, a);
  check_stated(*open.naming, config, a, shown);
  check_sizes(a, config, options, shown);
  check_tensors(*open.naming, *open.checkpoint, a, shown);
  if (open.config.empty()) {
    info.assumptions.push_back(fmt::format("norm eps {} and {}, the values of {}: there is no config.json", a.norm_eps,
                                           name(a.activation), a.family));
  }
  info.architecture = a;
  read_logit_scale(*open.checkpoint, *open.naming, info);

  const ResolvedRecipe resolved =
      own_sizes ? *own_sizes : resolve_recipe(files, options.recipe, a.image_size, info.usual_recipe);
  info.recipe = resolved.recipe;
  info.recipe_source = resolved.source;
  if (resolved.assumed) info.assumptions.push_back("preprocessing: " + resolved.source);
  ClassNames names = resolve_labels(options.labels, config.labels, a.num_classes);
  if (learned && !options.labels) names.source = kLearnedKey;
  info.labels = std::move(names.labels);
  info.labels_source = std::move(names.source);
  info.regression = config.regression;
  info.multi_label = !config.regression && (config.multi_label || (config.one_class_is_sigmoid && a.num_classes == 1));
  if (learned) info.learned = open.checkpoint->metadata().at(std::string(kLearnedKey));
  info.temperature = learned_temperature(*open.checkpoint, shown);
  info.unknown = unknown_rule(*open.checkpoint, a, shown);
  describe_storage(*open.checkpoint, info);
  return open;
}

}  // namespace fovea
