// timm 1.0.31: every parameter of its constructors and every field of its configurations.
#include <array>

#include "model/keys/library_keys.hpp"

namespace fovea {
namespace {

using enum KeyUse;

constexpr std::string_view kTraining = "it is for training";
constexpr std::string_view kInitial = "the weights are loaded over it";
constexpr std::string_view kAbout = "it says where the weights are from";
constexpr std::string_view kAdapting = "it is for exchanging the head or the first layer";
constexpr std::string_view kConvolutional = "it is for convolutional networks";
constexpr std::string_view kTensors = "the tensors reveal it";

constexpr std::array kRoot{
    KeyRule{"architecture"}, KeyRule{"num_classes"},        KeyRule{"num_features", kHarmless, kTensors},
    KeyRule{"global_pool"},  KeyRule{"model_args"},         KeyRule{"pretrained_cfg"},
    KeyRule{"label_names"},  KeyRule{"label_descriptions"}, KeyRule{"labels"}};

constexpr std::array kPretrainedCfg{KeyRule{"url", kHarmless, kAbout},
                                    KeyRule{"file", kHarmless, kAbout},
                                    KeyRule{"hf_hub_id", kHarmless, kAbout},
                                    KeyRule{"hf_hub_filename", kHarmless, kAbout},
                                    KeyRule{"source", kHarmless, kAbout},
                                    KeyRule{"architecture", kHarmless, "the root's is read"},
                                    KeyRule{"tag", kHarmless, kAbout},
                                    KeyRule{"custom_load", kHarmless, kAbout},
                                    KeyRule{"input_size"},
                                    KeyRule{"test_input_size"},
                                    KeyRule{"min_input_size", kHarmless, kConvolutional},
                                    KeyRule{"fixed_input_size"},
                                    KeyRule{"interpolation"},
                                    KeyRule{"crop_pct"},
                                    KeyRule{"test_crop_pct"},
                                    KeyRule{"crop_mode"},
                                    KeyRule{"mean"},
                                    KeyRule{"std"},
                                    KeyRule{"num_classes"},
                                    KeyRule{"label_offset", kOnly, "[0]"},
                                    KeyRule{"label_names"},
                                    KeyRule{"label_descriptions"},
                                    KeyRule{"pool_size", kHarmless, kConvolutional},
                                    KeyRule{"test_pool_size", kHarmless, kConvolutional},
                                    KeyRule{"first_conv", kHarmless, kAdapting},
                                    KeyRule{"classifier", kHarmless, kAdapting},
                                    KeyRule{"license", kHarmless, kAbout},
                                    KeyRule{"description", kHarmless, kAbout},
                                    KeyRule{"origin_url", kHarmless, kAbout},
                                    KeyRule{"paper_name", kHarmless, kAbout},
                                    KeyRule{"paper_ids", kHarmless, kAbout},
                                    KeyRule{"notes", kHarmless, kAbout}};

constexpr std::array kCommon{KeyRule{"img_size"},
                             KeyRule{"num_classes"},
                             KeyRule{"global_pool"},
                             KeyRule{"num_heads"},
                             KeyRule{"depth"},
                             KeyRule{"embed_dim"},
                             KeyRule{"patch_size", kObeyed, kTensors},
                             KeyRule{"mlp_ratio", kObeyed, kTensors},
                             KeyRule{"qkv_bias", kObeyed, kTensors},
                             KeyRule{"init_values", kObeyed, kTensors},
                             KeyRule{"in_chans", kOnly, "[3]"},
                             KeyRule{"drop_rate", kHarmless, kTraining},
                             KeyRule{"pos_drop_rate", kHarmless, kTraining},
                             KeyRule{"patch_drop_rate", kHarmless, kTraining},
                             KeyRule{"proj_drop_rate", kHarmless, kTraining},
                             KeyRule{"attn_drop_rate", kHarmless, kTraining},
                             KeyRule{"drop_path_rate", kHarmless, kTraining},
                             KeyRule{"pretrained_strict", kHarmless, kAdapting},
                             KeyRule{"features_only", kOnly, "[false]"},
                             KeyRule{"pruned", kOnly, "[false]"},
                             KeyRule{"use_naflex", kOnly, "[false]"}};

constexpr std::array kVisionTransformer{KeyRule{"qk_norm", kObeyed, kTensors},
                                        KeyRule{"proj_bias", kObeyed, kTensors},
                                        KeyRule{"class_token", kObeyed, kTensors},
                                        KeyRule{"pos_embed", kObeyed, kTensors},
                                        KeyRule{"no_embed_class", kObeyed, kTensors},
                                        KeyRule{"reg_tokens", kObeyed, kTensors},
                                        KeyRule{"pre_norm", kObeyed, kTensors},
                                        KeyRule{"final_norm", kObeyed, kTensors},
                                        KeyRule{"fc_norm", kObeyed, kTensors},
                                        KeyRule{"pool_include_prefix"},
                                        KeyRule{"dynamic_img_size"},
                                        KeyRule{"norm_layer"},
                                        KeyRule{"act_layer"},
                                        KeyRule{"scale_attn_norm", kObeyed, kTensors},
                                        KeyRule{"scale_mlp_norm", kObeyed, kTensors},
                                        KeyRule{"dynamic_img_pad", kOnly, "[false]"},
                                        KeyRule{"embed_layer", kOnly, "[]"},
                                        KeyRule{"embed_norm_layer", kOnly, "[]"},
                                        KeyRule{"block_fn", kOnly, "[]"},
                                        KeyRule{"mlp_layer", kOnly, "[]"},
                                        KeyRule{"attn_layer", kOnly, R"(["", "attn", "diff"])"},
                                        KeyRule{"weight_init", kHarmless, kInitial},
                                        KeyRule{"fix_init", kHarmless, kInitial}};

constexpr std::array kRelPos{KeyRule{"qk_norm", kObeyed, kTensors},
                             KeyRule{"class_token", kObeyed, kTensors},
                             KeyRule{"fc_norm", kObeyed, kTensors},
                             KeyRule{"rel_pos_dim", kObeyed, kTensors},
                             KeyRule{"shared_rel_pos", kObeyed, kTensors},
                             KeyRule{"rel_pos_type", kOnly, R"(["mlp"])"},
                             KeyRule{"embed_layer", kOnly, "[]"},
                             KeyRule{"norm_layer", kOnly, "[]"},
                             KeyRule{"act_layer", kOnly, "[]"},
                             KeyRule{"block_fn", kOnly, "[]"},
                             KeyRule{"weight_init", kHarmless, kInitial},
                             KeyRule{"fix_init", kHarmless, kInitial}};

constexpr std::array kEva{KeyRule{"qkv_fused", kObeyed, kTensors},
                          KeyRule{"swiglu_mlp", kObeyed, kTensors},
                          KeyRule{"swiglu_align_to", kObeyed, kTensors},
                          KeyRule{"scale_mlp", kObeyed, kTensors},
                          KeyRule{"class_token", kObeyed, kTensors},
                          KeyRule{"num_reg_tokens", kObeyed, kTensors},
                          KeyRule{"no_embed_class", kObeyed, kTensors},
                          KeyRule{"use_abs_pos_emb", kObeyed, kTensors},
                          KeyRule{"use_post_transformer_norm", kObeyed, kTensors},
                          KeyRule{"use_fc_norm", kObeyed, kTensors},
                          KeyRule{"use_rot_pos_emb"},
                          KeyRule{"rope_type"},
                          KeyRule{"rope_grid_offset"},
                          KeyRule{"rope_grid_indexing"},
                          KeyRule{"rope_temperature"},
                          KeyRule{"rope_rotate_half"},
                          KeyRule{"ref_feat_shape"},
                          KeyRule{"dynamic_img_size"},
                          KeyRule{"rope_shift_coords", kHarmless, kTraining},
                          KeyRule{"rope_jitter_coords", kHarmless, kTraining},
                          KeyRule{"rope_rescale_coords", kHarmless, kTraining},
                          KeyRule{"head_init_scale", kHarmless, kInitial},
                          KeyRule{"rope_mrope_section", kOnly, "[]"},
                          KeyRule{"num_kv_heads", kObeyed, kTensors},
                          KeyRule{"qk_norm", kObeyed, kTensors},
                          KeyRule{"scale_attn_inner", kObeyed, kTensors},
                          KeyRule{"attn_type", kOnly, R"(["eva", "rope"])"},
                          KeyRule{"norm_layer", kOnly, "[]"},
                          KeyRule{"attn_only_layer_scale", kObeyed, kTensors},
                          KeyRule{"use_post_norm"},
                          KeyRule{"use_pre_transformer_norm", kObeyed, kTensors},
                          KeyRule{"attn_pool_num_heads"},
                          KeyRule{"attn_pool_mlp_ratio", kObeyed, kTensors},
                          KeyRule{"dynamic_img_pad", kOnly, "[false]"}};

constexpr std::array kBeit{KeyRule{"use_abs_pos_emb", kObeyed, kTensors},
                           KeyRule{"use_rel_pos_bias", kObeyed, kTensors},
                           KeyRule{"use_fc_norm", kObeyed, kTensors},
                           KeyRule{"head_init_scale", kHarmless, kInitial},
                           KeyRule{"swiglu_mlp", kOnly, "[false]"},
                           KeyRule{"scale_mlp", kOnly, "[false]"},
                           KeyRule{"norm_layer", kOnly, "[]"},
                           KeyRule{"use_shared_rel_pos_bias", kOnly, "[false]"}};

}  // namespace

std::span<const KeyRule> timm_root_keys() {
  return kRoot;
}
std::span<const KeyRule> timm_pretrained_cfg_keys() {
  return kPretrainedCfg;
}
std::span<const KeyRule> timm_common_args() {
  return kCommon;
}
std::span<const KeyRule> timm_vision_transformer_args() {
  return kVisionTransformer;
}
std::span<const KeyRule> timm_relpos_args() {
  return kRelPos;
}
std::span<const KeyRule> timm_eva_args() {
  return kEva;
}
std::span<const KeyRule> timm_beit_args() {
  return kBeit;
}

}  // namespace fovea
