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
// What None is to the constructors (KeyRule::none).
constexpr std::string_view kOff = "false";
constexpr std::string_view kStays = "null";

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
                             KeyRule{"qkv_bias", kObeyed, kTensors, kOff},
                             KeyRule{"init_values", kObeyed, kTensors, kStays},
                             KeyRule{"in_chans", kOnly, "[3]"},
                             KeyRule{"drop_rate", kHarmless, kTraining},
                             KeyRule{"pos_drop_rate", kHarmless, kTraining},
                             KeyRule{"patch_drop_rate", kHarmless, kTraining},
                             KeyRule{"proj_drop_rate", kHarmless, kTraining},
                             KeyRule{"attn_drop_rate", kHarmless, kTraining},
                             KeyRule{"drop_path_rate", kHarmless, kTraining},
                             KeyRule{"pretrained_strict", kHarmless, kAdapting, kOff},
                             KeyRule{"features_only", kOnly, "[false]", kOff},
                             KeyRule{"pruned", kOnly, "[false]", kOff},
                             KeyRule{"use_naflex", kOnly, "[false]", kOff}};

constexpr std::array kVisionTransformer{KeyRule{"qk_norm", kObeyed, kTensors, kOff},
                                        KeyRule{"proj_bias", kObeyed, kTensors, kOff},
                                        KeyRule{"class_token", kObeyed, kTensors, kOff},
                                        KeyRule{"pos_embed", kObeyed, kTensors},
                                        KeyRule{"no_embed_class", kObeyed, kTensors, kOff},
                                        KeyRule{"reg_tokens", kObeyed, kTensors},
                                        KeyRule{"pre_norm", kObeyed, kTensors, kOff},
                                        KeyRule{"final_norm", kObeyed, kTensors, kOff},
                                        KeyRule{"fc_norm", kObeyed, kTensors, kStays},
                                        KeyRule{"pool_include_prefix", kObeyed, {}, kOff},
                                        KeyRule{"dynamic_img_size", kObeyed, {}, kOff},
                                        KeyRule{"norm_layer", kObeyed, {}, kStays},
                                        KeyRule{"act_layer", kObeyed, {}, kStays},
                                        KeyRule{"scale_attn_norm", kObeyed, kTensors, kOff},
                                        KeyRule{"scale_mlp_norm", kObeyed, kTensors, kOff},
                                        KeyRule{"dynamic_img_pad", kOnly, "[false]", kOff},
                                        KeyRule{"embed_layer", kOnly, "[]"},
                                        KeyRule{"embed_norm_layer", kOnly, "[]", kStays},
                                        KeyRule{"block_fn", kOnly, "[]"},
                                        KeyRule{"mlp_layer", kOnly, "[]"},
                                        KeyRule{"attn_layer", kOnly, R"(["", "attn", "diff"])"},
                                        KeyRule{"weight_init", kHarmless, kInitial},
                                        KeyRule{"fix_init", kHarmless, kInitial, kOff}};

constexpr std::array kRelPos{KeyRule{"qk_norm", kObeyed, kTensors, kOff},
                             KeyRule{"class_token", kObeyed, kTensors, kOff},
                             KeyRule{"fc_norm", kObeyed, kTensors, kStays},
                             KeyRule{"rel_pos_dim", kObeyed, kTensors, kStays},
                             KeyRule{"shared_rel_pos", kObeyed, kTensors, kOff},
                             KeyRule{"rel_pos_type", kOnly, R"(["mlp"])"},
                             KeyRule{"embed_layer", kOnly, "[]"},
                             KeyRule{"norm_layer", kOnly, "[]", kStays},
                             KeyRule{"act_layer", kOnly, "[]", kStays},
                             KeyRule{"block_fn", kOnly, "[]"},
                             KeyRule{"weight_init", kHarmless, kInitial},
                             KeyRule{"fix_init", kHarmless, kInitial, kOff}};

constexpr std::array kEva{KeyRule{"qkv_fused", kObeyed, kTensors, kOff},
                          KeyRule{"swiglu_mlp", kObeyed, kTensors, kOff},
                          KeyRule{"swiglu_align_to", kObeyed, kTensors, "0"},
                          KeyRule{"scale_mlp", kObeyed, kTensors, kOff},
                          KeyRule{"class_token", kObeyed, kTensors, kOff},
                          KeyRule{"num_reg_tokens", kObeyed, kTensors},
                          KeyRule{"no_embed_class", kObeyed, kTensors, kOff},
                          KeyRule{"use_abs_pos_emb", kObeyed, kTensors, kOff},
                          KeyRule{"use_post_transformer_norm", kObeyed, kTensors, kStays},
                          KeyRule{"use_fc_norm", kObeyed, kTensors, kStays},
                          KeyRule{"use_rot_pos_emb", kObeyed, {}, kOff},
                          KeyRule{"rope_type"},
                          KeyRule{"rope_grid_offset"},
                          KeyRule{"rope_grid_indexing", kObeyed, {}, R"("ij")"},
                          KeyRule{"rope_temperature"},
                          KeyRule{"rope_rotate_half", kObeyed, {}, kOff},
                          KeyRule{"ref_feat_shape", kObeyed, {}, kStays},
                          KeyRule{"dynamic_img_size", kObeyed, {}, kOff},
                          KeyRule{"rope_shift_coords", kHarmless, kTraining, kStays},
                          KeyRule{"rope_jitter_coords", kHarmless, kTraining, kStays},
                          KeyRule{"rope_rescale_coords", kHarmless, kTraining, kStays},
                          KeyRule{"head_init_scale", kHarmless, kInitial, kStays},
                          KeyRule{"rope_mrope_section", kOnly, "[]", kStays},
                          KeyRule{"num_kv_heads", kObeyed, kTensors, kStays},
                          KeyRule{"qk_norm", kObeyed, kTensors, kOff},
                          KeyRule{"scale_attn_inner", kObeyed, kTensors, kOff},
                          KeyRule{"attn_type", kOnly, R"(["eva", "rope"])", R"("eva")"},
                          KeyRule{"norm_layer", kOnly, "[]"},
                          KeyRule{"attn_only_layer_scale", kObeyed, kTensors, kOff},
                          KeyRule{"use_post_norm", kObeyed, {}, kOff},
                          KeyRule{"use_pre_transformer_norm", kObeyed, kTensors, kOff},
                          KeyRule{"attn_pool_num_heads", kObeyed, {}, kStays},
                          KeyRule{"attn_pool_mlp_ratio", kObeyed, kTensors, kStays},
                          KeyRule{"dynamic_img_pad", kOnly, "[false]", kOff}};

constexpr std::array kBeit{KeyRule{"use_abs_pos_emb", kObeyed, kTensors, kOff},
                           KeyRule{"use_rel_pos_bias", kObeyed, kTensors, kOff},
                           KeyRule{"use_fc_norm", kObeyed, kTensors, kStays},
                           KeyRule{"head_init_scale", kHarmless, kInitial, kStays},
                           KeyRule{"swiglu_mlp", kOnly, "[false]", kOff},
                           KeyRule{"scale_mlp", kOnly, "[false]", kOff},
                           KeyRule{"norm_layer", kOnly, "[]"},
                           KeyRule{"use_shared_rel_pos_bias", kOnly, "[false]", kOff}};

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
