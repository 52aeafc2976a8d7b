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
#include "model/config/config.hpp"
#include "model/config/config_files.hpp"
#include "model/config/input_size.hpp"
#include "model/config/labels.hpp"
#include "model/config/weights_file.hpp"
#include "model/family/other_kinds.hpp"
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

void check_sizes(const Architecture& a, const ModelConfig& config, const LoadOptions& options,
                 const std::string& file) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", file, what),
                "config.json and checkpoint may belong to different models");
  };
  const auto [height, width] = a.image_size;
  const auto patch = static_cast<int>(a.patch_size);
  if (std::min({a.depth, a.embed_dim, a.mlp_hidden_dim}) == 0) {
    fail(fmt::format("blocks, width and MLP width are {}, {} and {}, expected at least 1 each", a.depth, a.embed_dim,
                     a.mlp_hidden_dim));
  }
  // A convolution leaves out pixels after the last whole patch. SigLIP was trained so, with patches of 14 px in 384 px.
  const bool as_fed = !options.image_size && !config.resamples_on_load;
  const bool as_trained = (as_fed || config.image_size == a.image_size) && std::min(height, width) >= patch;
  if (patch == 0 || height <= 0 || width <= 0 || ((height % patch != 0 || width % patch != 0) && !as_trained)) {
    const auto what =
        fmt::format("the image size is {}x{} px, expected a multiple of the patch size, {} px", height, width, patch);
    if (options.image_size) throw Error(ErrorCode::kUsage, fmt::format("{}: {}", file, what), "choose another size");
    fail(what);
  }
  if (a.num_heads == 0 || a.embed_dim % a.num_heads != 0) {
    const auto what = fmt::format("num_heads is {}, expected a divisor of the width {}", a.num_heads, a.embed_dim);
    if (options.num_heads) throw Error(ErrorCode::kUsage, fmt::format("{}: {}", file, what), "choose another number");
    fail(what);
  }
  if (a.read_out_blocks > a.depth) {
    fail(fmt::format("the head reads the class tokens of {} blocks, expected at most {}", a.read_out_blocks, a.depth));
  }
  if (a.rope != Rope::kNone && a.head_dim() % 4 != 0) {
    fail(fmt::format("the heads are {} wide, expected a multiple of 4 for rotary embeddings", a.head_dim()));
  }
  if (a.differential_attention && a.head_dim() % 2 != 0) {
    fail(fmt::format("the heads are {} wide, expected an even number for differential attention", a.head_dim()));
  }
  if (a.embed_dim % a.pool_heads() != 0) {
    fail(fmt::format("the attention pool has {} heads, expected a divisor of the width {}", a.pool_heads(),
                     a.embed_dim));
  }
  for (const std::size_t shared : a.kv_dims) {
    if (shared % a.head_dim() == 0 && a.embed_dim % shared == 0) continue;
    fail(fmt::format("keys are {} wide, expected a divisor of the width {} and a multiple of a head's, {}", shared,
                     a.embed_dim, a.head_dim()));
  }
  const auto differs = [&](const char* what, const std::optional<std::size_t>& stated, std::size_t actual) {
    if (stated && *stated != actual) {
      fail(fmt::format("{} is {} by its config, expected {}, as its tensors have it", what, *stated, actual));
    }
  };
  differs("the number of blocks", config.depth, a.depth);
  differs("the width", config.embed_dim, a.embed_dim);
  differs("the width of the MLP", config.mlp_hidden_dim, a.mlp_hidden_dim);
  differs("the number of register tokens", config.num_register_tokens, a.num_register_tokens);
  differs("the patch size", config.patch_size, a.patch_size);
  if (config.num_classes && a.num_classes > 0 && *config.num_classes != a.num_classes) {
    fail(fmt::format("num_classes is {} in config.json, expected {} (the rows of head.weight)", *config.num_classes,
                     a.num_classes));
  }
  const bool too_few = config.labels.size() < a.num_classes && !config.labels_have_gaps;
  if (!config.labels.empty() && a.num_classes > 0 && (too_few || config.labels.size() > a.num_classes)) {
    fail(fmt::format("config.json names {} classes, expected {} (the rows of the head)", config.labels.size(),
                     a.num_classes));
  }
}

/// The rotary embedding of timm's Eva and of DINOv3: which one the tensors and the name mean, and what the config
/// changes of it.
void apply_rope(const RopeConfig& config, const std::string& file, Architecture& a) {
  const bool learned = a.rope == Rope::kMixed;
  const Rope by_position = a.pos_embed ? (a.gated_mlp ? Rope::kEva02 : Rope::kNone) : Rope::kDinoV3;
  const Rope named = config.named.value_or(learned ? Rope::kMixed : by_position);
  const Rope built = named == Rope::kNone ? Rope::kEva02 : named;  // Eva's own default where it is switched on
  a.rope = config.used.value_or(named != Rope::kNone) ? config.kind.value_or(built) : Rope::kNone;
  if (learned != (a.rope == Rope::kMixed)) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: the rotary embedding is {} by its config, expected {}, as its tensors have it", file,
                            learned ? "computed" : "learned (rope_type mixed)",
                            learned ? "learned (rope_type mixed)" : "computed"),
                "config.json and checkpoint may belong to different models");
  }
  RopeSettings settings = config.named_settings.value_or(usual_rope_settings(built));
  settings.temperature = config.temperature.value_or(settings.temperature);
  settings.grid_offset = config.grid_offset.value_or(settings.grid_offset);
  settings.x_first = config.x_first.value_or(settings.x_first);
  settings.rotate_half = config.rotate_half.value_or(settings.rotate_half);
  if (!config.scaled) settings.reference.reset();
  if (config.reference) settings.reference = config.reference;
  a.rope_settings = settings;
}

/// Takes from the config what the tensors do not reveal.
void apply_config(const ModelConfig& config, const Conventions& conventions, const std::string& file, Architecture& a) {
  a.name = config.architecture;
  if (config.norm_eps) a.norm_eps = *config.norm_eps;
  if (config.activation) a.activation = *config.activation;
  a.pool_activation = a.activation;
  a.pool_sees_prefix = config.pool_sees_prefix;
  a.pool_num_heads = config.pool_num_heads;
  a.norm_after = config.norm_after;
  if (config.rotates) a.family = "timm EVA";  // some of its models have a ViT's tensors
  if (conventions.rotary || config.rotates) apply_rope(config.rope, file, a);
  if (config.rms_norm && *config.rms_norm != a.rms_norm) {
    throw Error(
        ErrorCode::kCheckpoint,
        fmt::format("{}: norm_layer is {} in config.json, expected {}, which is what the tensors are for", file,
                    *config.rms_norm ? "an RMSNorm" : "a layer norm", a.rms_norm ? "an RMSNorm" : "a layer norm"),
        "config.json and checkpoint may belong to different models");
  }
  if (!config.read_out || a.read_out == ReadOut::kClassAndDistToken) return;
  if ((*config.read_out == ReadOut::kAttentionPool) != (a.read_out == ReadOut::kAttentionPool)) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: global_pool is {} in config.json, expected {}, which the tensors are for", file,
                            name(*config.read_out), name(a.read_out)),
                "config.json and checkpoint may belong to different models");
  }
  a.read_out = *config.read_out;
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

[[noreturn]] void fail_without_size(const std::string& file) {
  throw Error(
      ErrorCode::kCheckpoint,
      fmt::format("{}: the model is a NaFlex one, which transformers feeds each picture in its own shape, expected "
                  "one input size for all pictures",
                  file),
      "--image-size HxW gives it that size: what transformers computes for pictures that it resizes so, such as "
      "256x256 for square ones of 256 patches of 16 px");
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
  ConfigFiles files(file, *open.checkpoint);
  files.ignore(options.ignore_config);
  ModelConfig config;
  if (const auto reader = files.reader(files.network())) {
    open.config = *files.text(files.network());
    config = read_model_config(*reader, options.recipe.test_size);
  }
  if (config.size_of_each_picture && !options.image_size) fail_without_size(shown);
  open.naming = recognise_unwrapped(open.checkpoint, !open.config.empty());
  if (!open.naming) fail_unrecognised(*open.checkpoint, shown);
  check_head(*open.checkpoint, shown);
  if (config.expects_head) open.naming->expect(Option::kHead);

  ModelInfo& info = open.info;
  info.path = file;
  info.quantized = quantized_precision(*open.checkpoint, shown);
  info.precision = options.precision.value_or(info.quantized && has_units(*info.quantized) ? *info.quantized
                                                                                           : fastest_full_precision());
  info.name = fs::absolute(file).parent_path().filename().string();
  info.format = open.checkpoint->format();
  const WeightsOrigin origin = open.checkpoint->origin();
  info.weights_key = origin.key;
  info.stripped = origin.stripped;
  info.ignored_config = options.ignore_config;
  Architecture a = infer_architecture(*open.naming, *open.checkpoint, {}, shown);
  const Conventions& conventions = open.naming->family().conventions;
  apply_config(config, conventions, shown, a);
  a.num_heads = resolve_heads(config, options, a, info.assumptions);
  resolve_image_size({config, options.image_size, prepared_size(files, options.recipe),
                      open.config.empty() ? conventions.evaluation_size : std::nullopt,
                      count_positions(*open.naming, *open.checkpoint, Role::kPosEmbed),
                      count_positions(*open.naming, *open.checkpoint, Role::kRelativePosition), shown},
                     info.assumptions, a);
  for (const StatedPart& part : config.parts) {
    if (part.present == open.naming->has(part.option)) continue;
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: {} is {} by its config, expected {}, as its tensors have it", shown, part.key,
                            part.present, !part.present),
                "config.json and checkpoint may belong to different models");
  }
  check_sizes(a, config, options, shown);
  check_tensors(*open.naming, *open.checkpoint, a, shown);
  if (open.config.empty()) {
    info.assumptions.push_back(fmt::format("norm eps {} and {}, the values of {}: there is no config.json", a.norm_eps,
                                           name(a.activation), a.family));
  }
  info.architecture = a;
  read_logit_scale(*open.checkpoint, *open.naming, info);

  info.usual_recipe = usual_recipe(open, file);
  const ResolvedRecipe resolved = resolve_recipe(files, options.recipe, a.image_size, info.usual_recipe);
  info.recipe = resolved.recipe;
  info.recipe_source = resolved.source;
  if (resolved.assumed) info.assumptions.push_back("preprocessing: " + resolved.source);
  ClassNames names = resolve_labels(options.labels, config.labels, a.num_classes);
  info.labels = std::move(names.labels);
  info.labels_source = std::move(names.source);
  info.regression = config.regression;
  info.multi_label = !config.regression && (config.multi_label || (config.one_class_is_sigmoid && a.num_classes == 1));
  describe_storage(*open.checkpoint, info);
  return open;
}

}  // namespace fovea
