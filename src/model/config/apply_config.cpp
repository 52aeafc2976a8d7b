#include "model/config/apply_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "fovea/error.hpp"
#include "model/config/rope_config.hpp"

namespace fovea {

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

StoredFloat rounding_of_positions(const Naming& naming, const Checkpoint& checkpoint, const ModelConfig& config,
                                  const std::optional<Size>& asked, const Architecture& a) {
  const Role role = a.pos_embed ? Role::kPosEmbed : Role::kRelativePosition;
  const TensorRule* const rule = naming.rule(role, Part::kWeight);
  const TensorView* const tensor = rule == nullptr ? nullptr : checkpoint.find(naming.tensor_name(*rule));
  if (tensor == nullptr || a.pos_embed_resampling != PosEmbedResampling::kTimm || !config.resamples_on_load) return {};
  Architecture built = a;
  if (config.image_size) built.image_size = *config.image_size;
  const bool on_load = (asked && !config.takes_any_size) || a.pos_embed_grid != built.grid();
  if (!on_load) return {};
  return tensor->dtype == DType::kF16    ? StoredFloat::kF16
         : tensor->dtype == DType::kBF16 ? StoredFloat::kBf16
                                         : StoredFloat::kF32;
}

void check_stated(const Naming& naming, const ModelConfig& config, const Architecture& a, const std::string& file) {
  const auto require = [&](std::string_view key, bool stated, bool actual) {
    if (stated == actual) return;
    throw Error(
        ErrorCode::kCheckpoint,
        fmt::format("{}: {} is {} by its config, expected {}, as its tensors have it", file, key, stated, actual),
        "config.json and checkpoint may belong to different models");
  };
  for (const StatedRole& stated : config.roles) {
    const bool actual = std::any_of(stated.roles.begin(), stated.roles.end(),
                                    [&](Role role) { return naming.rule(role, stated.part) != nullptr; });
    require(stated.key, stated.present, actual);
  }
  for (const StatedPart& part : config.parts) require(part.key, part.present, naming.has(part.option));
  if (config.gated_mlp) require("swiglu_mlp", *config.gated_mlp, a.gated_mlp);
  if (a.gated_mlp && config.given_activation && *config.given_activation != Activation::kSilu) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: act_layer is {} in config.json, expected silu: no other gate is computed", file,
                            name(*config.given_activation)),
                "--ignore-config model_args.act_layer ignores it");
  }
}

void apply_config(const ModelConfig& config, const Conventions& conventions, const std::string& file, Architecture& a) {
  a.name = config.architecture;
  if (config.norm_eps) a.norm_eps = *config.norm_eps;
  if (config.activation) a.activation = *config.activation;
  // timm gives the pool the act_layer that its names with a gated MLP have; Eva's pool has its own.
  a.pool_activation = config.rotates ? Activation::kGelu : a.gated_mlp ? Activation::kSilu : a.activation;
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

}  // namespace fovea
