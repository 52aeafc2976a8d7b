// transformers: modeling_vit.py, modeling_deit.py, modeling_dinov2*.py, modeling_beit.py, modeling_clip.py and
// modeling_siglip.py (https://github.com/huggingface/transformers), with the names of versions 4 and 5.
#include "fovea/architecture.hpp"
#include "model/family/rules.hpp"

namespace fovea {
namespace {

using namespace family_rules;  // NOLINT(google-build-using-namespace): the words that tables are written in

/// The names inside a block changed with version 5. Tables exist for both.
struct TransformersBlock {
  std::string path, query, key, value, proj, fc1, fc2;
};
const TransformersBlock kVitV4{"@encoder.layer.{}.",
                               "attention.attention.query",
                               "attention.attention.key",
                               "attention.attention.value",
                               "attention.output.dense",
                               "intermediate.dense",
                               "output.dense"};
const TransformersBlock kVitV5{"@layers.{}.",      "attention.q_proj", "attention.k_proj", "attention.v_proj",
                               "attention.o_proj", "mlp.fc1",          "mlp.fc2"};
const TransformersBlock kDinov2V4{"@encoder.layer.{}.",
                                  "attention.attention.query",
                                  "attention.attention.key",
                                  "attention.attention.value",
                                  "attention.output.dense",
                                  "mlp.fc1",
                                  "mlp.fc2"};
const TransformersBlock kDinov2V5{"@encoder.layer.{}.", "attention.q_proj", "attention.k_proj", "attention.v_proj",
                                  "attention.o_proj",   "mlp.fc1",          "mlp.fc2"};
const TransformersBlock kClip{"@encoder.layers.{}.", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                              "self_attn.out_proj",  "mlp.fc1",          "mlp.fc2"};

Rules transformers_attention(const TransformersBlock& names, const std::string& norm1, const std::string& norm2) {
  return join({norm(names.path + norm1, kNorm1),
               linear_maybe_bias(names.path + names.query, kQuery, kEmbed, kEmbed, Option::kQkvBias),
               linear_maybe_bias(names.path + names.key, kKey, kEmbed, kEmbed, Option::kQkvBias),
               linear_maybe_bias(names.path + names.value, kValue, kEmbed, kEmbed, Option::kQkvBias),
               linear(names.path + names.proj, kProj, kEmbed, kEmbed), norm(names.path + norm2, kNorm2)});
}
Rules transformers_mlp(const TransformersBlock& names) {
  return join({linear(names.path + names.fc1, kFc1, kFc1Width, kEmbed),
               linear(names.path + names.fc2, kFc2, kEmbed, kMlpHidden)});
}
Rules transformers_block(const TransformersBlock& names, const std::string& norm1, const std::string& norm2) {
  return join({transformers_attention(names, norm1, norm2), transformers_mlp(names)});
}

Rules transformers_embeddings() {
  return join({{tensor("@embeddings.cls_token", kClassToken, {kOne, kOne, kEmbed}), ignored("@embeddings.mask_token")},
               patch_embed("@embeddings.patch_embeddings.projection")});
}

/// ViT and DeiT. DeiT's plain classifier reads only the class token, although there is a distillation token.
Rules transformers_vit(const TransformersBlock& names, const Rules& heads) {
  return join({transformers_embeddings(),
               {tensor("@embeddings.distillation_token", kDistToken, {kOne, kOne, kEmbed}, {Option::kDistilled}),
                tensor("@embeddings.position_embeddings", kPosEmbed, {kOne, kPosTokens, kEmbed}), ignored("@pooler.*")},
               transformers_block(names, "layernorm_before", "layernorm_after"),
               norm("@layernorm", kNorm),
               heads});
}
Rules one_classifier() {
  return linear("classifier", kHead, kClasses, kPooled, {Option::kHead});
}
Rules two_classifiers() {
  return join({linear("cls_classifier", kHead, kClasses, kPooled),
               linear("distillation_classifier", kHeadDist, kClasses, kEmbed)});
}

/// DINOv2's gated MLP: one tensor in version 4, two in version 5.
Rules swiglu_v4() {
  return join({linear("@encoder.layer.{}.mlp.weights_in", kFc1, kFc1Width, kEmbed),
               linear("@encoder.layer.{}.mlp.weights_out", kFc2, kEmbed, kMlpHidden)});
}
Rules swiglu_v5() {
  return join({linear("@encoder.layer.{}.mlp.gate_proj", kFc1Gate, kMlpHidden, kEmbed),
               linear("@encoder.layer.{}.mlp.up_proj", kFc1, kMlpHidden, kEmbed),
               linear("@encoder.layer.{}.mlp.down_proj", kFc2, kEmbed, kMlpHidden)});
}

Rules transformers_dinov2(const TransformersBlock& names, const Rules& mlp) {
  return join(
      {transformers_embeddings(),
       {tensor("@embeddings.register_tokens", kRegisterTokens, {kOne, kRegisters, kEmbed}, {Option::kRegisters}),
        tensor("@embeddings.position_embeddings", kPosEmbed, {kOne, kPosTokens, kEmbed}),
        tensor(names.path + "layer_scale1.lambda1", kLayerScale1, {kEmbed}),
        tensor(names.path + "layer_scale2.lambda1", kLayerScale2, {kEmbed})},
       transformers_attention(names, "norm1", "norm2"),
       mlp,
       norm("@layernorm", kNorm),
       one_classifier()});
}

/// BEiT's keys have no bias.
Rules transformers_beit(const TransformersBlock& names, const std::string& relative_position_bias) {
  return join({transformers_embeddings(),
               norm(names.path + "layernorm_before", kNorm1),
               linear_maybe_bias(names.path + names.query, kQuery, kEmbed, kEmbed, Option::kQkvBias),
               {tensor(names.path + names.key + ".weight", kKey, {kEmbed, kEmbed}),
                tensor(names.path + relative_position_bias + ".relative_position_bias_table", kRelativePosition,
                       {kRelativePositions, kHeads}),
                ignored(names.path + relative_position_bias + ".relative_position_index"),
                tensor(names.path + "lambda_1", kLayerScale1, {kEmbed}, {Option::kGamma}),
                tensor(names.path + "lambda_2", kLayerScale2, {kEmbed}, {Option::kGamma})},
               linear_maybe_bias(names.path + names.value, kValue, kEmbed, kEmbed, Option::kQkvBias),
               linear(names.path + names.proj, kProj, kEmbed, kEmbed),
               norm(names.path + "layernorm_after", kNorm2),
               transformers_mlp(names),
               norm("@layernorm", kNorm, kEmbed, {Option::kNorm}),
               norm("@pooler.layernorm", kFcNorm, kEmbed, {Option::kFcNorm}),
               one_classifier()});
}

/// The tensors of the text tower in CLIP and SigLIP files.
Rules transformers_text() {
  return {ignored("text_model.*"), ignored("text_projection.*"), ignored("@embeddings.position_ids"),
          tensor("logit_scale", kLogitScale, {}, {Option::kLogitScale}),
          tensor("logit_bias", kLogitBias, {}, {Option::kLogitBias})};
}

Rules transformers_clip() {
  return join({{tensor("@embeddings.class_embedding", kClassToken, {kEmbed}),
                tensor("@embeddings.patch_embedding.weight", kPatchEmbed, {kEmbed, kRgb, kPatch, kPatch}),
                tensor("@embeddings.position_embedding.weight", kPosEmbed, {kPosTokens, kEmbed})},
               norm("@pre_layrnorm", kNormPre),
               transformers_block(kClip, "layer_norm1", "layer_norm2"),
               transformers_text()});
}
Rules transformers_clip_tower() {
  return join({transformers_clip(),
               norm("@post_layernorm", kNorm),
               {tensor("visual_projection.weight", kProjection, {kProjectionWidth, kEmbed}, {Option::kProjection})}});
}
/// The classifier averages the patches after the last block: post_layernorm is in the file, but unused.
Rules transformers_clip_classifier() {
  return join({transformers_clip(), one_classifier(), {ignored("@post_layernorm.*"), ignored("visual_projection.*")}});
}

Rules transformers_siglip() {
  return join({{tensor("@embeddings.position_embedding.weight", kPosEmbed, {kPosTokens, kEmbed})},
               patch_embed("@embeddings.patch_embedding"),
               transformers_block(kClip, "layer_norm1", "layer_norm2"),
               norm("@post_layernorm", kNorm),
               transformers_text()});
}
Rules transformers_siglip_tower() {
  const Options pool{Option::kAttentionPool};
  return join({transformers_siglip(),
               {tensor("@head.probe", kPoolLatent, {kOne, kOne, kEmbed}, pool),
                tensor("@head.attention.in_proj_weight", kPoolQkv, {kThreeEmbed, kEmbed}, pool),
                bias_tensor("@head.attention.in_proj_bias", kPoolQkv, kThreeEmbed, pool)},
               linear("@head.attention.out_proj", kPoolProj, kEmbed, kEmbed, pool),
               norm("@head.layernorm", kPoolNorm, kEmbed, pool),
               linear("@head.mlp.fc1", kPoolFc1, kPoolHidden, kEmbed, pool),
               linear("@head.mlp.fc2", kPoolFc2, kEmbed, kPoolHidden, pool)});
}
/// The classifier averages the patches after post_layernorm: the attention pool is in the file, but unused.
Rules transformers_siglip_classifier() {
  return join({transformers_siglip(), one_classifier(), {ignored("@head.*")}});
}

}  // namespace

std::vector<Family> transformers_families() {
  const Conventions vit{1e-12F, Activation::kGelu, kBicubic, "hf-torchvision"};
  Conventions teacher = vit;
  teacher.read_out = teacher.read_out_with_head = ReadOut::kClassAndDistToken;
  Conventions dinov2 = vit;
  dinov2.norm_eps = 1e-6F;
  dinov2.read_out_with_head = ReadOut::kClassAndPatchMean;
  const Conventions clip{1e-5F, Activation::kQuickGelu, kBicubic, "clip", ReadOut::kClassToken, ReadOut::kPatchMean};
  const Conventions siglip{1e-6F,    Activation::kGeluTanh,   kBicubic,
                           "siglip", ReadOut::kAttentionPool, ReadOut::kPatchMean};
  const std::vector<std::string> of_vit{"vit.", "deit.", ""};
  const std::vector<std::string> of_dinov2{"dinov2.", "dinov2_with_registers.", ""};
  const std::vector<std::string> of_vision{"vision_model.", "clip.vision_model.", "siglip.vision_model.", ""};
  const std::string v4 = "@encoder.layer.0.attention.attention.";
  const std::string v5 = "@encoder.layer.0.attention.";
  const std::string head = "classifier.weight";
  const std::string second_head = "distillation_classifier.weight";
  return {
      {"transformers DeiT with teacher",
       {"deit."},
       {"@encoder.layer.0.layernorm_before.weight", second_head},
       {},
       teacher,
       transformers_vit(kVitV4, two_classifiers())},
      {"transformers DeiT with teacher",
       {"deit."},
       {"@layers.0.layernorm_before.weight", second_head},
       {},
       teacher,
       transformers_vit(kVitV5, two_classifiers())},
      {"transformers BEiT",
       {"beit.", ""},
       {v4 + "relative_position_bias.relative_position_bias_table"},
       {},
       vit,
       transformers_beit(kVitV4, "attention.attention.relative_position_bias")},
      {"transformers BEiT",
       {"beit.", ""},
       {"@layers.0.relative_position_bias.relative_position_bias_table"},
       {},
       vit,
       transformers_beit(kVitV5, "relative_position_bias")},
      {"transformers ViT",
       of_vit,
       {"@encoder.layer.0.layernorm_before.weight"},
       {},
       vit,
       transformers_vit(kVitV4, one_classifier())},
      {"transformers ViT",
       of_vit,
       {"@layers.0.layernorm_before.weight"},
       {},
       vit,
       transformers_vit(kVitV5, one_classifier())},
      {"transformers DINOv2",
       of_dinov2,
       {v4 + "query.weight", "@encoder.layer.0.mlp.weights_in.weight"},
       {},
       dinov2,
       transformers_dinov2(kDinov2V4, swiglu_v4())},
      {"transformers DINOv2",
       of_dinov2,
       {v4 + "query.weight", "@encoder.layer.0.layer_scale1.lambda1"},
       {},
       dinov2,
       transformers_dinov2(kDinov2V4, transformers_mlp(kDinov2V4))},
      {"transformers DINOv2",
       of_dinov2,
       {v5 + "q_proj.weight", "@encoder.layer.0.mlp.gate_proj.weight"},
       {},
       dinov2,
       transformers_dinov2(kDinov2V5, swiglu_v5())},
      {"transformers DINOv2",
       of_dinov2,
       {v5 + "q_proj.weight", "@encoder.layer.0.layer_scale1.lambda1"},
       {},
       dinov2,
       transformers_dinov2(kDinov2V5, transformers_mlp(kDinov2V5))},
      {"transformers CLIP classifier",
       of_vision,
       {"@pre_layrnorm.weight", head},
       {},
       clip,
       transformers_clip_classifier()},
      {"transformers CLIP", of_vision, {"@pre_layrnorm.weight"}, {}, clip, transformers_clip_tower()},
      {"transformers SigLIP classifier",
       of_vision,
       {"@embeddings.patch_embedding.weight", head},
       {},
       siglip,
       transformers_siglip_classifier()},
      {"transformers SigLIP",
       of_vision,
       {"@embeddings.patch_embedding.weight", "@post_layernorm.weight"},
       {},
       siglip,
       transformers_siglip_tower()},
  };
}

}  // namespace fovea
