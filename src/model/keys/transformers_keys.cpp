// transformers 5.24: every field of its configuration classes, and what earlier versions wrote into every file.
#include <array>

#include "model/keys/library_keys.hpp"

namespace fovea {
namespace {

using enum KeyUse;

constexpr std::string_view kTraining = "it is for training";
constexpr std::string_view kInitial = "the weights are loaded over it";
constexpr std::string_view kAbout = "it says where the file is from";
constexpr std::string_view kGeneration = "it is for generating text";
constexpr std::string_view kReturned = "it says what the forward call returns";
constexpr std::string_view kBackbone = "it is for the backbone class";
constexpr std::string_view kSegmentation = "it is for segmentation";
constexpr std::string_view kTensors = "the tensors reveal it";

constexpr std::array kCommon{
    KeyRule{"model_type"},
    KeyRule{"architectures"},
    KeyRule{"id2label"},
    KeyRule{"problem_type"},
    KeyRule{"label2id", kHarmless, "id2label is what is read"},
    KeyRule{"num_labels"},
    KeyRule{"dtype", kHarmless, "weights are read as they are stored"},
    KeyRule{"torch_dtype", kHarmless, "weights are read as they are stored"},
    KeyRule{"transformers_version", kHarmless, kAbout},
    KeyRule{"_name_or_path", kHarmless, kAbout},
    KeyRule{"name_or_path", kHarmless, kAbout},
    KeyRule{"_commit_hash", kHarmless, kAbout},
    KeyRule{"finetuning_task", kHarmless, kAbout},
    KeyRule{"task_specific_params", kHarmless, kGeneration},
    KeyRule{"_attn_implementation_autoset", kHarmless, "attention is the same by every kernel"},
    KeyRule{"attn_implementation", kHarmless, "attention is the same by every kernel"},
    KeyRule{"output_hidden_states", kHarmless, kReturned},
    KeyRule{"output_attentions", kHarmless, kReturned},
    KeyRule{"return_dict", kHarmless, kReturned},
    KeyRule{"chunk_size_feed_forward", kHarmless, "the MLP's rows do not depend on each other"},
    KeyRule{"torchscript", kHarmless, kReturned},
    KeyRule{"use_bfloat16", kHarmless, "it is TensorFlow's"},
    KeyRule{"tf_legacy_loss", kHarmless, kTraining},
    KeyRule{"gradient_checkpointing", kHarmless, kTraining},
    KeyRule{"pruned_heads", kOnly, "[{}]"},
    KeyRule{"quantization_config", kOnly, "[]"},
    KeyRule{"auto_map", kOnly, "[]"},
    KeyRule{"is_encoder_decoder", kOnly, "[false]"},
    KeyRule{"is_decoder", kOnly, "[false]"},
    KeyRule{"add_cross_attention", kOnly, "[false]"},
    KeyRule{"cross_attention_hidden_size", kHarmless, kGeneration},
    KeyRule{"tie_word_embeddings", kHarmless, kGeneration},
    KeyRule{"tie_encoder_decoder", kHarmless, kGeneration},
    KeyRule{"tokenizer_class", kHarmless, kGeneration},
    KeyRule{"prefix", kHarmless, kGeneration},
    KeyRule{"bos_token_id", kHarmless, kGeneration},
    KeyRule{"pad_token_id", kHarmless, kGeneration},
    KeyRule{"eos_token_id", kHarmless, kGeneration},
    KeyRule{"sep_token_id", kHarmless, kGeneration},
    KeyRule{"decoder_start_token_id", kHarmless, kGeneration},
    KeyRule{"max_length", kHarmless, kGeneration},
    KeyRule{"min_length", kHarmless, kGeneration},
    KeyRule{"do_sample", kHarmless, kGeneration},
    KeyRule{"early_stopping", kHarmless, kGeneration},
    KeyRule{"num_beams", kHarmless, kGeneration},
    KeyRule{"num_beam_groups", kHarmless, kGeneration},
    KeyRule{"diversity_penalty", kHarmless, kGeneration},
    KeyRule{"temperature", kHarmless, kGeneration},
    KeyRule{"top_k", kHarmless, kGeneration},
    KeyRule{"top_p", kHarmless, kGeneration},
    KeyRule{"typical_p", kHarmless, kGeneration},
    KeyRule{"repetition_penalty", kHarmless, kGeneration},
    KeyRule{"length_penalty", kHarmless, kGeneration},
    KeyRule{"no_repeat_ngram_size", kHarmless, kGeneration},
    KeyRule{"encoder_no_repeat_ngram_size", kHarmless, kGeneration},
    KeyRule{"bad_words_ids", kHarmless, kGeneration},
    KeyRule{"num_return_sequences", kHarmless, kGeneration},
    KeyRule{"output_scores", kHarmless, kGeneration},
    KeyRule{"return_dict_in_generate", kHarmless, kGeneration},
    KeyRule{"forced_bos_token_id", kHarmless, kGeneration},
    KeyRule{"forced_eos_token_id", kHarmless, kGeneration},
    KeyRule{"remove_invalid_values", kHarmless, kGeneration},
    KeyRule{"exponential_decay_length_penalty", kHarmless, kGeneration},
    KeyRule{"suppress_tokens", kHarmless, kGeneration},
    KeyRule{"begin_suppress_tokens", kHarmless, kGeneration}};

// The fields that ViTConfig and its like, the two of DINOv2, BeitConfig and Data2VecVisionConfig have in common.
constexpr std::array kVision{KeyRule{"hidden_size"},
                             KeyRule{"num_hidden_layers"},
                             KeyRule{"num_attention_heads"},
                             KeyRule{"hidden_act"},
                             KeyRule{"layer_norm_eps"},
                             KeyRule{"image_size"},
                             KeyRule{"patch_size", kObeyed, kTensors},
                             KeyRule{"num_channels", kOnly, "[3]"},
                             KeyRule{"hidden_dropout_prob", kHarmless, kTraining},
                             KeyRule{"attention_probs_dropout_prob", kHarmless, kTraining},
                             KeyRule{"initializer_range", kHarmless, kInitial}};

// BackboneConfigMixin's fields, with which the same class serves as a backbone.
constexpr std::array kAsBackbone{
    KeyRule{"reshape_hidden_states", kHarmless, kBackbone}, KeyRule{"stage_names", kHarmless, kBackbone},
    KeyRule{"out_features", kHarmless, kBackbone},          KeyRule{"out_indices", kHarmless, kBackbone},
    KeyRule{"_out_features", kHarmless, kBackbone},         KeyRule{"_out_indices", kHarmless, kBackbone}};

// ViTConfig, DeiTConfig, ViTMSNConfig and IJepaConfig.
constexpr std::array kVit{KeyRule{"intermediate_size"}, KeyRule{"qkv_bias"},
                          KeyRule{"encoder_stride", kHarmless, "it is for masked pictures"},
                          KeyRule{"pooler_output_size", kHarmless, "no classifier reads the pooler"},
                          KeyRule{"pooler_act", kHarmless, "no classifier reads the pooler"}};

constexpr std::array kDinov2{KeyRule{"mlp_ratio", kObeyed, kTensors},
                             KeyRule{"intermediate_size", kHarmless, "mlp_ratio is what is read"},
                             KeyRule{"qkv_bias"},
                             KeyRule{"layerscale_value", kHarmless, kInitial},
                             KeyRule{"drop_path_rate", kHarmless, kTraining},
                             KeyRule{"use_swiglu_ffn", kObeyed, kTensors},
                             KeyRule{"num_register_tokens"},
                             KeyRule{"use_mask_token", kHarmless, "it is for masked pictures"},
                             KeyRule{"apply_layernorm", kHarmless, kBackbone}};

constexpr std::array kDinov3{KeyRule{"hidden_size"},
                             KeyRule{"intermediate_size"},
                             KeyRule{"num_hidden_layers"},
                             KeyRule{"num_attention_heads"},
                             KeyRule{"hidden_act"},
                             KeyRule{"layer_norm_eps"},
                             KeyRule{"image_size"},
                             KeyRule{"patch_size", kObeyed, kTensors},
                             KeyRule{"num_channels", kOnly, "[3]"},
                             KeyRule{"rope_theta"},
                             KeyRule{"query_bias"},
                             KeyRule{"key_bias"},
                             KeyRule{"value_bias"},
                             KeyRule{"proj_bias"},
                             KeyRule{"mlp_bias"},
                             KeyRule{"use_gated_mlp"},
                             KeyRule{"num_register_tokens"},
                             KeyRule{"layerscale_value", kHarmless, kInitial},
                             KeyRule{"initializer_range", kHarmless, kInitial},
                             KeyRule{"attention_dropout", kHarmless, kTraining},
                             KeyRule{"drop_path_rate", kHarmless, kTraining},
                             KeyRule{"pos_embed_shift", kHarmless, kTraining},
                             KeyRule{"pos_embed_jitter", kHarmless, kTraining},
                             KeyRule{"pos_embed_rescale", kHarmless, kTraining},
                             KeyRule{"apply_layernorm", kHarmless, kBackbone},
                             KeyRule{"return_class_token", kHarmless, kBackbone}};

// BeitConfig and Data2VecVisionConfig.
constexpr std::array kBeit{KeyRule{"intermediate_size"},
                           KeyRule{"vocab_size", kHarmless, "it is for masked pictures"},
                           KeyRule{"use_mask_token", kHarmless, "it is for masked pictures"},
                           KeyRule{"use_absolute_position_embeddings"},
                           KeyRule{"use_relative_position_bias"},
                           KeyRule{"use_shared_relative_position_bias"},
                           KeyRule{"layer_scale_init_value", kObeyed, kTensors},
                           KeyRule{"drop_path_rate", kHarmless, kTraining},
                           KeyRule{"use_mean_pooling"},
                           KeyRule{"pool_scales", kHarmless, kSegmentation},
                           KeyRule{"use_auxiliary_head", kHarmless, kSegmentation},
                           KeyRule{"auxiliary_loss_weight", kHarmless, kSegmentation},
                           KeyRule{"auxiliary_channels", kHarmless, kSegmentation},
                           KeyRule{"auxiliary_num_convs", kHarmless, kSegmentation},
                           KeyRule{"auxiliary_concat_input", kHarmless, kSegmentation},
                           KeyRule{"semantic_loss_ignore_index", kHarmless, kSegmentation},
                           KeyRule{"add_fpn", kHarmless, kBackbone}};

// CLIPVisionConfig, MetaClip2VisionConfig, SiglipVisionConfig and Siglip2VisionConfig.
constexpr std::array kTower{KeyRule{"hidden_size"},
                            KeyRule{"intermediate_size"},
                            KeyRule{"num_hidden_layers"},
                            KeyRule{"num_attention_heads"},
                            KeyRule{"hidden_act"},
                            KeyRule{"layer_norm_eps"},
                            KeyRule{"image_size"},
                            KeyRule{"patch_size", kObeyed, kTensors},
                            KeyRule{"num_channels", kOnly, "[3]"},
                            KeyRule{"num_patches", kObeyed, kTensors},
                            KeyRule{"projection_dim", kObeyed, kTensors},
                            KeyRule{"vision_use_head", kObeyed, kTensors},
                            KeyRule{"attention_dropout", kHarmless, kTraining},
                            KeyRule{"dropout", kHarmless, kTraining},
                            KeyRule{"initializer_range", kHarmless, kInitial},
                            KeyRule{"initializer_factor", kHarmless, kInitial}};

// CLIPConfig, MetaClip2Config, SiglipConfig and Siglip2Config.
constexpr std::array kTwoTowers{KeyRule{"vision_config"},
                                KeyRule{"vision_config_dict"},
                                KeyRule{"text_config", kHarmless, "the text tower is not computed"},
                                KeyRule{"text_config_dict", kHarmless, "the text tower is not computed"},
                                KeyRule{"projection_dim", kObeyed, kTensors},
                                KeyRule{"logit_scale_init_value", kHarmless, kInitial},
                                KeyRule{"initializer_factor", kHarmless, kInitial}};

constexpr std::array kTimmWrapper{KeyRule{"do_pooling", kHarmless, kReturned},
                                  KeyRule{"initializer_range", kHarmless, kInitial}};

constexpr std::array kProcessor{KeyRule{"image_processor_type"},
                                KeyRule{"feature_extractor_type"},
                                KeyRule{"do_resize"},
                                KeyRule{"size"},
                                KeyRule{"default_to_square"},
                                KeyRule{"resample"},
                                KeyRule{"do_center_crop"},
                                KeyRule{"crop_size"},
                                KeyRule{"crop_pct"},
                                KeyRule{"patch_size"},
                                KeyRule{"max_num_patches"},
                                KeyRule{"do_rescale"},
                                KeyRule{"rescale_factor"},
                                KeyRule{"do_normalize"},
                                KeyRule{"image_mean"},
                                KeyRule{"image_std"},
                                KeyRule{"do_pad"},
                                KeyRule{"pad_size", kHarmless, "nothing is padded"},
                                KeyRule{"do_convert_rgb", kHarmless, "every picture is RGB"},
                                KeyRule{"do_reduce_labels", kHarmless, kSegmentation},
                                KeyRule{"reduce_labels", kHarmless, kSegmentation},
                                KeyRule{"processor_class", kHarmless, kAbout},
                                KeyRule{"_processor_class", kHarmless, kAbout},
                                KeyRule{"_valid_processor_keys", kHarmless, kAbout},
                                KeyRule{"device", kHarmless, kReturned},
                                KeyRule{"return_tensors", kHarmless, kReturned},
                                KeyRule{"disable_grouping", kHarmless, kReturned},
                                KeyRule{"data_format", kOnly, R"(["channels_first"])"},
                                KeyRule{"input_data_format", kOnly, "[]"},
                                KeyRule{"auto_map", kOnly, "[]"}};

/// Two tables as one: a model_type has its class's fields and those of its base.
template <std::size_t A, std::size_t B>
constexpr std::array<KeyRule, A + B> joined(const std::array<KeyRule, A>& a, const std::array<KeyRule, B>& b) {
  std::array<KeyRule, A + B> all{};
  for (std::size_t i = 0; i < A; ++i) all.at(i) = a.at(i);
  for (std::size_t i = 0; i < B; ++i) all.at(A + i) = b.at(i);
  return all;
}
constexpr auto kVitAll = joined(kVision, kVit);
constexpr auto kDinov2All = joined(joined(kVision, kDinov2), kAsBackbone);
constexpr auto kDinov3All = joined(kDinov3, kAsBackbone);
constexpr auto kBeitAll = joined(joined(kVision, kBeit), kAsBackbone);

}  // namespace

std::span<const KeyRule> transformers_common_keys() {
  return kCommon;
}

std::span<const KeyRule> transformers_processor_keys() {
  return kProcessor;
}

std::span<const KeyRule> transformers_keys(std::string_view model_type) {
  if (model_type == "vit" || model_type == "deit" || model_type == "vit_msn" || model_type == "ijepa") return kVitAll;
  if (model_type == "dinov2" || model_type == "dinov2_with_registers") return kDinov2All;
  if (model_type == "dinov3_vit") return kDinov3All;
  if (model_type == "beit" || model_type == "data2vec-vision") return kBeitAll;
  if (model_type == "timm_wrapper") return kTimmWrapper;
  if (model_type.ends_with("_vision_model")) return kTower;
  if (model_type.starts_with("clip") || model_type.starts_with("siglip") || model_type.starts_with("metaclip")) {
    return kTwoTowers;
  }
  return {};
}

}  // namespace fovea
