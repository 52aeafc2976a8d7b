#include "model/config/checkpoint_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <system_error>
#include <utility>

#include "base/files.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/precision.hpp"
#include "model/config/config.hpp"
#include "model/config/config_files.hpp"
#include "model/config/labels.hpp"
#include "model/quantize/quantized_file.hpp"
#include "model/recipe/recipe.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kUsualHeadDim = 64;  // in every ViT of the papers

bool is_linear_head(const fs::path& file) {
  return file.stem().string().find("_linear") != std::string::npos;  // dinov2_vits14_linear4_head.pth
}

/// Finds a folder's checkpoint by the names that libraries write, or else takes the only checkpoint file.
fs::path checkpoint_file(const fs::path& model) {
  std::error_code ignored;
  if (!fs::is_directory(model, ignored)) return model;
  constexpr std::array kNames{"model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors",
                              "pytorch_model.bin", "pytorch_model.bin.index.json", "open_clip_pytorch_model.bin"};
  for (const char* file : kNames) {
    if (fs::exists(model / file, ignored)) return model / file;
  }
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(model, ignored)) {
    constexpr std::array kEndings{".safetensors", ".pth", ".pt", ".bin", ".npz"};
    const bool known = std::find(kEndings.begin(), kEndings.end(), entry.path().extension()) != kEndings.end();
    if (known && !is_linear_head(entry.path())) found.push_back(entry.path());
  }
  if (found.size() == 1) return found.front();
  throw Error(ErrorCode::kNotFound,
              fmt::format("{}: the folder has {} checkpoints, expected model.safetensors or one file that ends in "
                          ".safetensors, .pth, .pt, .bin or .npz",
                          printable(model), found.empty() ? "no" : std::to_string(found.size())),
              "name the checkpoint file itself with -m");
}

/// DINOv2's linear heads are files of their own: tensors "weight" and "bias", read as "linear_head.weight" and ".bias".
class WithLinearHead final : public Checkpoint {
 public:
  WithLinearHead(std::unique_ptr<Checkpoint> backbone, std::unique_ptr<Checkpoint> head)
      : backbone_(std::move(backbone)), head_(std::move(head)) {
    tensors_.assign(backbone_->tensors().begin(), backbone_->tensors().end());
    for (TensorView tensor : head_->tensors()) {
      tensor.name = "linear_head." + tensor.name;
      tensors_.push_back(std::move(tensor));
    }
    std::sort(tensors_.begin(), tensors_.end(),
              [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  }
  [[nodiscard]] std::string_view format() const noexcept override { return backbone_->format(); }
  [[nodiscard]] std::span<const TensorView> tensors() const noexcept override { return tensors_; }

 private:
  std::unique_ptr<Checkpoint> backbone_;
  std::unique_ptr<Checkpoint> head_;
  std::vector<TensorView> tensors_;
};

std::unique_ptr<Checkpoint> open_with_head(const fs::path& model, const fs::path& file) {
  std::unique_ptr<Checkpoint> checkpoint = open_checkpoint(file);
  std::error_code ignored;
  if (!fs::is_directory(model, ignored) || checkpoint->find("mask_token") == nullptr) return checkpoint;
  for (const auto& entry : fs::directory_iterator(model, ignored)) {
    if (!is_linear_head(entry.path())) continue;
    return std::make_unique<WithLinearHead>(std::move(checkpoint), open_checkpoint(entry.path()));
  }
  return checkpoint;
}

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

/// Finds the grid that `count` position embeddings are for, and how many of them belong to prefix tokens: all prefix
/// tokens, only the class token, or none.
bool split_pos_embeddings(std::size_t count, const std::optional<PatchGrid>& configured, Architecture& a) {
  const std::array prefixes{a.num_prefix_tokens, std::min<std::size_t>(a.num_prefix_tokens, 1), std::size_t{0}};
  if (configured) {
    // If the number fits none of the three, nothing is guessed: check_tensors reports both shapes.
    const auto fits = [&](std::size_t prefix) { return prefix + configured->size() == count; };
    const auto* const fitting = std::find_if(prefixes.begin(), prefixes.end(), fits);
    a.pos_embed_grid = *configured;
    a.pos_embed_prefix = fitting == prefixes.end() ? prefixes.front() : *fitting;
    return true;
  }
  for (const std::size_t prefix : prefixes) {
    if (prefix >= count) continue;
    const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(count - prefix))));
    if (side * side != count - prefix) continue;
    a.pos_embed_grid = {side, side};
    a.pos_embed_prefix = prefix;
    return true;
  }
  return false;
}

/// Finds the image size and the grid of the position embeddings: from the user, the config, or a square number of
/// embeddings.
void resolve_image_size(const ModelConfig& config, const LoadOptions& options, std::size_t pos_embeddings,
                        std::vector<std::string>& assumptions, const std::string& file, Architecture& a) {
  const auto patch = static_cast<int>(a.patch_size);
  if (patch <= 0) return;  // check_sizes reports it
  std::optional<PatchGrid> configured;
  if (config.image_size) {
    Architecture trained = a;
    trained.image_size = *config.image_size;
    configured = trained.grid();
  }
  a.pos_embed_prefix = 0;
  if (a.pos_embed && !split_pos_embeddings(pos_embeddings, configured, a)) {
    throw Error(
        ErrorCode::kCheckpoint,
        fmt::format(
            "{}: the number of position embeddings is {}, expected one for each of {} prefix tokens and a square "
            "number of patches",
            file, pos_embeddings, a.num_prefix_tokens),
        "put the config.json with the image size beside the checkpoint");
  }
  if (options.image_size || config.image_size) {
    a.image_size = options.image_size ? *options.image_size : *config.image_size;
  } else if (a.pos_embed) {
    a.image_size = {static_cast<int>(a.pos_embed_grid.rows) * patch, static_cast<int>(a.pos_embed_grid.cols) * patch};
  } else {
    assumptions.push_back(fmt::format("image size {}x{} px: no config states it; use --image-size if it differs",
                                      a.image_size.height, a.image_size.width));
  }
  if (a.relative_position_bias) a.pos_embed_grid = configured.value_or(a.grid());
  if (a.pos_embed_resampling == PosEmbedResampling::kFixed && a.pos_embed_grid != a.grid()) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{}: the image size is {}x{} px, expected {}x{} px because the original code of {} takes no other",
                    file, a.image_size.height, a.image_size.width, a.pos_embed_grid.rows * a.patch_size,
                    a.pos_embed_grid.cols * a.patch_size, a.family),
        "leave out --image-size");
  }
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
  const bool as_trained = config.image_size == a.image_size && std::min(height, width) >= patch;
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
  if (config.num_classes && a.num_classes > 0 && *config.num_classes != a.num_classes) {
    fail(fmt::format("num_classes is {} in config.json, expected {} (the rows of head.weight)", *config.num_classes,
                     a.num_classes));
  }
  if (!config.labels.empty() && a.num_classes > 0 && config.labels.size() != a.num_classes) {
    fail(fmt::format("config.json names {} classes, expected {} (the rows of the head)", config.labels.size(),
                     a.num_classes));
  }
}

/// Takes from the config what the tensors do not reveal.
void apply_config(const ModelConfig& config, const std::string& file, Architecture& a) {
  a.name = config.architecture;
  if (config.norm_eps) a.norm_eps = *config.norm_eps;
  if (config.activation) a.activation = *config.activation;
  a.pool_activation = a.activation;
  a.pool_sees_prefix = config.pool_sees_prefix;
  if (a.family == "timm EVA") {
    const Rope by_parts = a.pos_embed ? (a.gated_mlp ? Rope::kEva02 : Rope::kNone) : Rope::kDinoV3;
    a.rope = config.rope.value_or(by_parts);
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

void describe_storage(const Checkpoint& checkpoint, ModelInfo& info) {
  std::set<std::string> types;
  for (const TensorView& tensor : checkpoint.tensors()) {
    if (!info.quantized || !tensor.name.ends_with(kScaleSuffix)) info.parameters += tensor.numel();
    info.weight_bytes += tensor.stored_bytes();
    types.emplace(name(tensor.dtype));
    info.tensors.push_back({tensor.name, std::string(name(tensor.dtype)), tensor.shape});
  }
  for (const std::string& type : types) info.dtype += (info.dtype.empty() ? "" : "+") + type;
}

}  // namespace

OpenModel open_model(const fs::path& model, const LoadOptions& options) {
  OpenModel open;
  const fs::path file = checkpoint_file(model);
  const std::string shown = printable(file);
  open.checkpoint = open_with_head(model, file);
  const ConfigFiles files(file, *open.checkpoint);
  ModelConfig config;
  if (const auto reader = files.reader(kConfigFiles.front())) {
    open.config = *files.text(kConfigFiles.front());
    config = read_model_config(*reader);
  }
  open.naming = recognise_family(*open.checkpoint, !open.config.empty());
  if (!open.naming) {
    throw Error(
        ErrorCode::kCheckpoint,
        fmt::format("{}: the tensor names match no known family of Vision Transformers, expected names such as '{}'",
                    shown, "patch_embed.proj.weight"),
        "`fovea inspect -v` lists a checkpoint's tensors; GUIDE.md lists the families that are read");
  }
  if (config.expects_head) open.naming->expect(Option::kHead);

  ModelInfo& info = open.info;
  info.path = file;
  info.quantized = quantized_precision(*open.checkpoint, shown);
  info.precision = options.precision.value_or(info.quantized && has_units(*info.quantized) ? *info.quantized
                                                                                           : fastest_full_precision());
  info.name = fs::absolute(file).parent_path().filename().string();
  info.format = open.checkpoint->format();
  Architecture a = infer_architecture(*open.naming, *open.checkpoint, {}, shown);
  apply_config(config, shown, a);
  a.num_heads = resolve_heads(config, options, a, info.assumptions);
  resolve_image_size(config, options, count_pos_embeddings(*open.naming, *open.checkpoint), info.assumptions, shown, a);
  check_sizes(a, config, options, shown);
  check_tensors(*open.naming, *open.checkpoint, a, shown);
  if (open.config.empty()) {
    info.assumptions.push_back(fmt::format("norm eps {} and {}, the values of {}: there is no config.json", a.norm_eps,
                                           name(a.activation), a.family));
  }
  info.architecture = a;
  read_logit_scale(*open.checkpoint, *open.naming, info);

  const ResolvedRecipe resolved =
      resolve_recipe(files, options.recipe, a.image_size, open.naming->family().conventions.preprocess);
  info.recipe = resolved.recipe;
  info.recipe_source = resolved.source;
  if (resolved.assumed) info.assumptions.push_back("preprocessing: " + resolved.source);
  ClassNames names = resolve_labels(options.labels, config.labels, a.num_classes);
  info.labels = std::move(names.labels);
  info.labels_source = std::move(names.source);
  info.multi_label = config.multi_label;
  describe_storage(*open.checkpoint, info);
  return open;
}

}  // namespace fovea
