#include "model/checkpoint_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <system_error>

#include "base/files.hpp"
#include "fovea/error.hpp"
#include "model/config.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kUsualHeadDim = 64;  // of every ViT in the papers

fs::path checkpoint_file(const fs::path& model) {
  std::error_code ignored;
  if (!fs::is_directory(model, ignored)) return model;
  constexpr std::array kNames{"model.safetensors"};
  for (const char* file : kNames) {
    if (fs::exists(model / file, ignored)) return model / file;
  }
  throw Error(ErrorCode::kNotFound,
              fmt::format("{}: the folder has no checkpoint, expected model.safetensors", printable(model)),
              "give the checkpoint file itself with -m");
}

/// Heads, from the config, from timm's name, or else from the width.
std::size_t resolve_heads(const ModelConfig& config, std::size_t embed_dim, std::vector<std::string>& assumptions) {
  if (config.num_heads) return *config.num_heads;
  const auto names = timm_architecture_names();
  if (std::find(names.begin(), names.end(), config.architecture) != names.end()) {
    const Architecture named = timm_architecture(config.architecture);
    if (named.embed_dim == embed_dim) return named.num_heads;
  }
  const std::size_t heads = std::max<std::size_t>(1, embed_dim / kUsualHeadDim);
  assumptions.push_back(
      fmt::format("num_heads {} from width {} ({} a head): no config says it", heads, embed_dim, kUsualHeadDim));
  return heads;
}

/// The image size, from the config or else from a square number of position embeddings.
Size resolve_image_size(const ModelConfig& config, const Architecture& architecture, std::size_t tokens,
                        const std::string& file) {
  if (config.image_size) return *config.image_size;
  const std::size_t patches = tokens - std::min(tokens, architecture.num_prefix_tokens);
  const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(patches))));
  if (side == 0 || side * side != patches) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: pos_embed has {} patches, expected a square number", file, patches),
                "put the config.json that says the image size beside it");
  }
  const auto pixels = static_cast<int>(side * architecture.patch_size);
  return {pixels, pixels};
}

void check_sizes(const Architecture& architecture, const ModelConfig& config, const std::string& file) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", file, what),
                "config.json and checkpoint may belong to different models");
  };
  const auto [height, width] = architecture.image_size;
  const auto patch = static_cast<int>(architecture.patch_size);
  if (std::min({architecture.depth, architecture.embed_dim, architecture.mlp_hidden_dim, architecture.num_classes}) ==
      0) {
    fail(fmt::format("blocks, width, MLP width and classes are {}, {}, {} and {}, expected at least 1 each",
                     architecture.depth, architecture.embed_dim, architecture.mlp_hidden_dim,
                     architecture.num_classes));
  }
  if (patch == 0 || height <= 0 || width <= 0 || height % patch != 0 || width % patch != 0) {
    fail(fmt::format("the image size is {}x{} px, expected a multiple of the patch size, {} px", height, width, patch));
  }
  if (architecture.num_heads == 0 || architecture.embed_dim % architecture.num_heads != 0) {
    fail(fmt::format("num_heads is {}, expected a divisor of the width {}", architecture.num_heads,
                     architecture.embed_dim));
  }
  if (config.num_classes && *config.num_classes != architecture.num_classes) {
    fail(fmt::format("num_classes is {} in config.json, expected {} (the rows of head.weight)", *config.num_classes,
                     architecture.num_classes));
  }
  if (!config.labels.empty() && config.labels.size() != architecture.num_classes) {
    fail(fmt::format("label_names in config.json has {} entries, expected {} (the rows of head.weight)",
                     config.labels.size(), architecture.num_classes));
  }
}

void describe_storage(const Checkpoint& checkpoint, ModelInfo& info) {
  std::set<std::string> types;
  for (const TensorView& tensor : checkpoint.tensors()) {
    info.parameters += tensor.numel();
    info.weight_bytes += tensor.bytes.size();
    types.emplace(name(tensor.dtype));
    info.tensors.push_back({tensor.name, std::string(name(tensor.dtype)), tensor.shape});
  }
  for (const std::string& type : types) info.dtype += (info.dtype.empty() ? "" : "+") + type;
}

}  // namespace

OpenModel open_model(const fs::path& model) {
  OpenModel open;
  const fs::path file = checkpoint_file(model);
  const std::string shown = printable(file);
  open.checkpoint = open_checkpoint(file);
  open.family = recognise_family(*open.checkpoint);
  if (open.family == nullptr) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: tensor '{}' is missing, expected in a Vision Transformer with timm's names", shown,
                            tensor_name(families().front(), Role::kPatchWeight)),
                "`fovea inspect -v` lists a checkpoint's tensors");
  }
  std::error_code ignored;
  ModelConfig config;
  const fs::path config_file = file.parent_path() / "config.json";
  if (fs::exists(config_file, ignored)) {
    open.config = config_file;
    config = read_timm_config(config_file);
  }

  ModelInfo& info = open.info;
  info.path = file;
  info.name = fs::absolute(file).parent_path().filename().string();
  info.format = open.checkpoint->format();
  Architecture architecture;
  architecture.name = config.architecture;
  architecture = infer_architecture(*open.family, *open.checkpoint, architecture, shown);
  const TensorView* pos_embed = open.checkpoint->find(tensor_name(*open.family, Role::kPosEmbed));
  const std::size_t tokens = pos_embed != nullptr && pos_embed->shape.size() == 3 ? pos_embed->shape[1] : 0;
  architecture.num_heads = resolve_heads(config, architecture.embed_dim, info.assumptions);
  architecture.image_size = resolve_image_size(config, architecture, tokens, shown);
  check_sizes(architecture, config, shown);
  check_tensors(*open.family, *open.checkpoint, architecture, shown);
  info.architecture = architecture;

  info.recipe = config.recipe.value_or(PreprocessRecipe{});
  info.recipe.input_size = architecture.image_size;
  info.recipe_source = config.recipe_source;
  if (!config.recipe) {
    info.recipe_source = "assumed: no config.json says it";
    info.assumptions.emplace_back("preprocessing: crop_pct 0.9, bicubic, mean and std 0.5 (timm's augreg ViT)");
  }
  info.labels = config.labels;
  info.labels.resize(architecture.num_classes);
  describe_storage(*open.checkpoint, info);
  return open;
}

}  // namespace fovea
