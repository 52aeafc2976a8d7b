// transformers' image towers: modeling_clip.py, modeling_metaclip_2.py, modeling_siglip.py and modeling_siglip2.py.
#include "fovea/architecture.hpp"
#include "model/family/rules.hpp"

namespace fovea {
namespace {

using namespace family_rules;  // NOLINT(google-build-using-namespace): the words that tables are written in

Rules blocks() {
  const std::string path = "@encoder.layers.{}.";
  return join({norm(path + "layer_norm1", kNorm1),
               linear_maybe_bias(path + "self_attn.q_proj", kQuery, kEmbed, kEmbed, Option::kQkvBias),
               linear_maybe_bias(path + "self_attn.k_proj", kKey, kEmbed, kEmbed, Option::kQkvBias),
               linear_maybe_bias(path + "self_attn.v_proj", kValue, kEmbed, kEmbed, Option::kQkvBias),
               linear(path + "self_attn.out_proj", kProj, kEmbed, kEmbed), norm(path + "layer_norm2", kNorm2),
               linear(path + "mlp.fc1", kFc1, kFc1Width, kEmbed), linear(path + "mlp.fc2", kFc2, kEmbed, kMlpHidden)});
}

/// The tensors of the text tower in CLIP and SigLIP files.
Rules text_rules() {
  return {ignored("text_model.*"), ignored("text_projection.*"), ignored("@embeddings.position_ids"),
          tensor("logit_scale", kLogitScale, {}, {Option::kLogitScale}),
          tensor("logit_bias", kLogitBias, {}, {Option::kLogitBias})};
}

Rules clip_rules() {
  return join({{tensor("@embeddings.class_embedding", kClassToken, {kEmbed}),
                tensor("@embeddings.patch_embedding.weight", kPatchEmbed, {kEmbed, kRgb, kPatch, kPatch}),
                tensor("@embeddings.position_embedding.weight", kPosEmbed, {kPosTokens, kEmbed})},
               norm("@pre_layrnorm", kNormPre),
               blocks(),
               text_rules()});
}
Rules clip_tower() {
  return join({clip_rules(),
               norm("@post_layernorm", kNorm),
               {tensor("visual_projection.weight", kProjection, {kProjectionWidth, kEmbed}, {Option::kProjection})}});
}
/// The classifier averages the patches after the last block: post_layernorm is in the file, but unused.
Rules clip_classifier() {
  return join({clip_rules(),
               linear("classifier", kHead, kClasses, kPooled, {Option::kHead}),
               {ignored("@post_layernorm.*"), ignored("visual_projection.*")}});
}

Rules siglip_patches() {
  return patch_embed("@embeddings.patch_embedding");
}
/// SigLIP 2's NaFlex models multiply patches that are cut already, pixel by pixel.
Rules naflex_patches() {
  return {{"@embeddings.patch_embedding.weight", kPatchEmbed, kWeight, {kEmbed, kPatchValues}, {}, kOutHwi},
          bias_tensor("@embeddings.patch_embedding.bias", kPatchEmbed, kEmbed)};
}
Rules siglip_rules(const Rules& patches) {
  return join({{tensor("@embeddings.position_embedding.weight", kPosEmbed, {kPosTokens, kEmbed})},
               patches,
               blocks(),
               norm("@post_layernorm", kNorm),
               text_rules()});
}
Rules siglip_tower(const Rules& patches) {
  const Options pool{Option::kAttentionPool};
  return join({siglip_rules(patches),
               {tensor("@head.probe", kPoolLatent, {kOne, kOne, kEmbed}, pool),
                tensor("@head.attention.in_proj_weight", kPoolQkv, {kThreeEmbed, kEmbed}, pool),
                bias_tensor("@head.attention.in_proj_bias", kPoolQkv, kThreeEmbed, pool)},
               linear("@head.attention.out_proj", kPoolProj, kEmbed, kEmbed, pool),
               norm("@head.layernorm", kPoolNorm, kEmbed, pool),
               linear("@head.mlp.fc1", kPoolFc1, kPoolHidden, kEmbed, pool),
               linear("@head.mlp.fc2", kPoolFc2, kEmbed, kPoolHidden, pool)});
}
/// The classifier averages the patches after post_layernorm: the attention pool is in the file, but unused.
Rules siglip_classifier(const Rules& patches) {
  return join(
      {siglip_rules(patches), linear("classifier", kHead, kClasses, kPooled, {Option::kHead}), {ignored("@head.*")}});
}

}  // namespace

std::vector<Family> transformers_tower_families() {
  const Conventions clip{1e-5F, Activation::kQuickGelu, kBicubic, "clip", ReadOut::kClassToken, ReadOut::kPatchMean};
  const Conventions siglip{1e-6F,    Activation::kGeluTanh,   kBicubic,
                           "siglip", ReadOut::kAttentionPool, ReadOut::kPatchMean};
  Conventions naflex = siglip;
  naflex.pos_embed_resampling = kBilinear;
  const std::vector<std::string> of_vision{"vision_model.", "clip.vision_model.", "siglip.vision_model.", ""};
  const std::string head = "classifier.weight";
  const std::string patches = "@embeddings.patch_embedding.weight";
  return {
      {"transformers CLIP classifier", of_vision, {"@pre_layrnorm.weight", head}, {}, clip, clip_classifier()},
      {"transformers CLIP", of_vision, {"@pre_layrnorm.weight"}, {}, clip, clip_tower()},
      {"transformers SigLIP 2 NaFlex classifier",
       of_vision,
       {patches, head},
       {},
       naflex,
       siglip_classifier(naflex_patches()),
       false,
       false,
       patches},
      {"transformers SigLIP 2 NaFlex",
       of_vision,
       {patches, "@post_layernorm.weight"},
       {},
       naflex,
       siglip_tower(naflex_patches()),
       false,
       false,
       patches},
      {"transformers SigLIP classifier", of_vision, {patches, head}, {}, siglip, siglip_classifier(siglip_patches())},
      {"transformers SigLIP",
       of_vision,
       {patches, "@post_layernorm.weight"},
       {},
       siglip,
       siglip_tower(siglip_patches())},
  };
}

}  // namespace fovea
