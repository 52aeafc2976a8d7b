// open_clip_config.json: the image tower of a model that open_clip trained, and how its pictures are prepared.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "model/config/config.hpp"
#include "model/keys/library_keys.hpp"

namespace fovea {
namespace {

using enum KeyUse;
using nlohmann::json;

constexpr std::string_view kTraining = "it is for training";
constexpr std::string_view kInitial = "the weights are loaded over it";
constexpr std::string_view kText = "the text tower is not computed";
constexpr std::string_view kTensors = "the tensors reveal it";

constexpr std::array kRoot{KeyRule{"model_cfg"}, KeyRule{"preprocess_cfg"}};

constexpr std::array kModel{KeyRule{"embed_dim", kObeyed, kTensors},
                            KeyRule{"vision_cfg"},
                            KeyRule{"quick_gelu"},
                            KeyRule{"text_cfg", kHarmless, kText},
                            KeyRule{"custom_text", kHarmless, kText},
                            KeyRule{"init_logit_scale", kHarmless, kInitial},
                            KeyRule{"init_logit_bias", kHarmless, kInitial},
                            KeyRule{"nonscalar_logit_scale", kHarmless, kTensors},
                            KeyRule{"cast_dtype", kHarmless, kTraining},
                            KeyRule{"output_dict", kHarmless, "it says what the forward call returns"},
                            KeyRule{"multimodal_cfg", kOnly, "[]"}};

constexpr std::array kVision{KeyRule{"layers"},
                             KeyRule{"width"},
                             KeyRule{"head_width"},
                             KeyRule{"image_size"},
                             KeyRule{"mlp_ratio", kObeyed, kTensors},
                             KeyRule{"patch_size", kObeyed, kTensors},
                             KeyRule{"patch_dropout", kHarmless, kTraining},
                             KeyRule{"output_tokens", kHarmless, "it says what the forward call returns"},
                             KeyRule{"attn_pooler_queries", kHarmless, "there is no attentional pool"},
                             KeyRule{"attn_pooler_heads", kHarmless, "there is no attentional pool"},
                             KeyRule{"timm_model_pretrained", kHarmless, kInitial},
                             KeyRule{"timm_model_name"},
                             KeyRule{"timm_pool"},
                             KeyRule{"timm_proj", kOnly, R"(["none", "linear", ""])"},
                             KeyRule{"timm_proj_bias", kObeyed, kTensors},
                             KeyRule{"timm_drop", kHarmless, kTraining},
                             KeyRule{"timm_drop_path", kHarmless, kTraining},
                             KeyRule{"ls_init_value", kOnly, "[]"},
                             KeyRule{"attentional_pool", kOnly, "[false]"},
                             KeyRule{"no_ln_pre", kOnly, "[false]"},
                             KeyRule{"pos_embed_type", kOnly, R"(["learnable"])"},
                             KeyRule{"final_ln_after_pool", kOnly, "[false]"},
                             KeyRule{"pool_type", kOnly, R"(["tok"])"},
                             KeyRule{"act_kwargs", kOnly, "[]"},
                             KeyRule{"norm_kwargs", kOnly, "[]"},
                             KeyRule{"block_type", kOnly, R"(["default"])"},
                             KeyRule{"qk_norm", kOnly, "[false]"},
                             KeyRule{"scaled_cosine_attn", kOnly, "[false]"},
                             KeyRule{"scale_heads", kOnly, "[false]"},
                             KeyRule{"scale_attn_inner", kOnly, "[false]"},
                             KeyRule{"scale_attn", kOnly, "[false]"},
                             KeyRule{"scale_fc", kOnly, "[false]"}};

constexpr std::array kPreprocess{KeyRule{"size", kHarmless, "the tower's image_size is taken"},
                                 KeyRule{"mode", kOnly, R"(["RGB"])"},
                                 KeyRule{"mean"},
                                 KeyRule{"std"},
                                 KeyRule{"interpolation"},
                                 KeyRule{"resize_mode"},
                                 KeyRule{"fill_color", kHarmless, "nothing is padded"}};

/// A trunk that timm builds (open_clip/timm_model.py): always with its own activation, of its own size.
ModelConfig read_trunk(const ConfigReader& reader, const json& vision, const std::string& name, Size image_size) {
  // Without `timm_proj` the trunk keeps timm's head as the projection, and is built with `timm_pool`; else the pool of
  // its name is exchanged, unless `timm_pool` is empty.
  const std::string pool = vision.contains("timm_pool") ? reader.text(vision, "timm_pool").value_or("") : "avg";
  const bool projects = !vision.contains("timm_proj") || reader.text(vision, "timm_proj") == "linear";
  if (pool.empty() && !projects) reader.fail("timm_pool", "''", "the name of a pool where timm_proj is not linear");
  json args = json::object();
  if (!pool.empty()) args["global_pool"] = pool;
  const json root{{"architecture", name}, {"model_args", args}, {"pretrained_cfg", json::object()}};
  ModelConfig config = read_timm_config(ConfigReader(reader.file(), reader.file_name(), root.dump()));
  config.input_size = image_size;
  if (!timm_facts(name).dynamic_img_size) config.image_size = image_size;
  config.resamples_on_load = false;  // open_clip loads the weights, not timm
  return config;
}

}  // namespace

std::span<const KeyRule> open_clip_preprocess_keys() {
  return kPreprocess;
}

ModelConfig read_open_clip_config(const ConfigReader& reader) {
  constexpr std::size_t kUsualHeadWidth = 64;
  constexpr std::size_t kUsualWidth = 768;
  const json model = reader.object(reader.root(), "model_cfg");
  const json vision = reader.object(model, "vision_cfg");
  check_keys(reader, reader.root(), "", {kRoot});
  check_keys(reader, model, "model_cfg.", {kModel});
  check_keys(reader, vision, "model_cfg.vision_cfg.", {kVision});
  const bool sized = vision.contains("image_size") && !vision["image_size"].is_null();
  const Size image_size = sized ? reader.as_size(vision["image_size"], "image_size") : Size{224, 224};
  if (const auto trunk = reader.text(vision, "timm_model_name"); trunk && !trunk->empty()) {
    return read_trunk(reader, vision, *trunk, image_size);
  }
  ModelConfig config;
  config.depth = reader.count(vision, "layers").value_or(12);
  config.embed_dim = reader.count(vision, "width").value_or(kUsualWidth);
  const std::size_t head_width = reader.count(vision, "head_width").value_or(kUsualHeadWidth);
  if (head_width == 0) reader.fail("head_width", "0", "a number above 0");
  config.num_heads = *config.embed_dim / head_width;
  config.image_size = image_size;
  config.activation = reader.flag(model, "quick_gelu").value_or(false) ? Activation::kQuickGelu : Activation::kGelu;
  config.norm_eps = 1e-5F;  // torch's default
  return config;
}

}  // namespace fovea
