// timm: vision_transformer.py, beit.py and eva.py (https://github.com/huggingface/pytorch-image-models), and DINO v1
// (facebookresearch/dino), which uses timm's names.
#include "model/family/rules.hpp"

namespace fovea {
namespace {

using namespace family_rules;  // NOLINT(google-build-using-namespace): the words that tables are written in

Rules timm_tokens() {
  return {tensor("cls_token", kClassToken, {kOne, kOne, kEmbed}, {Option::kClassToken}),
          tensor("reg_token", kRegisterTokens, {kOne, kRegisters, kEmbed}, {Option::kRegisters}),
          tensor("pos_embed", kPosEmbed, {kOne, kPosTokens, kEmbed}, {Option::kPosEmbed})};
}

/// What open_clip has around a trunk of timm's.
Rules open_clip() {
  return {tensor("head.proj.weight", kProjection, {kProjectionWidth, kEmbed}, {Option::kProjection}),
          bias_tensor("head.proj.bias", kProjection, kProjectionWidth, {Option::kProjectionBias}),
          tensor("logit_scale", kLogitScale, {}, {Option::kLogitScale}),
          tensor("logit_bias", kLogitBias, {}, {Option::kLogitBias})};
}

/// norm1, proj, norm2, fc2, gammas and everything after the blocks: the same in vision_transformer.py, beit.py and
/// eva.py.
Rules timm_common() {
  return join({patch_embed("patch_embed.proj"),
               norm("blocks.{}.norm1", kNorm1),
               linear("blocks.{}.attn.proj", kProj, kEmbed, kEmbed),
               {tensor("blocks.{}.gamma_1", kLayerScale1, {kEmbed}, {Option::kGamma}),
                tensor("blocks.{}.gamma_2", kLayerScale2, {kEmbed}, {Option::kGamma})},
               norm("blocks.{}.norm2", kNorm2),
               linear("blocks.{}.mlp.fc2", kFc2, kEmbed, kMlpHidden),
               norm("norm", kNorm, kEmbed, {Option::kNorm}),
               norm("fc_norm", kFcNorm, kEmbed, {Option::kFcNorm}),
               linear("head", kHead, kClasses, kPooled, {Option::kHead}),
               open_clip()});
}

Rules timm_vit_blocks() {
  return join({linear_maybe_bias("blocks.{}.attn.qkv", kQkv, kThreeEmbed, kEmbed, Option::kQkvBias),
               norm("blocks.{}.attn.q_norm", kQNorm, kHeadDim, {Option::kQkNorm}),
               norm("blocks.{}.attn.k_norm", kKNorm, kHeadDim, {Option::kQkNorm}),
               {tensor("blocks.{}.ls1.gamma", kLayerScale1, {kEmbed}, {Option::kLayerScale}),
                tensor("blocks.{}.ls2.gamma", kLayerScale2, {kEmbed}, {Option::kLayerScale})}});
}

Rules timm_vit() {
  const Options pool{Option::kAttentionPool};
  return join({timm_tokens(),
               {tensor("dist_token", kDistToken, {kOne, kOne, kEmbed}, {Option::kDistilled})},
               norm("norm_pre", kNormPre, kEmbed, {Option::kNormPre}),
               timm_vit_blocks(),
               linear("blocks.{}.mlp.fc1", kFc1, kFc1Width, kEmbed),
               timm_common(),
               linear("head_dist", kHeadDist, kClasses, kEmbed, {Option::kDistilled}),
               {tensor("attn_pool.latent", kPoolLatent, {kOne, kOne, kEmbed}, pool)},
               linear("attn_pool.q", kPoolQuery, kEmbed, kEmbed, pool),
               linear("attn_pool.kv", kPoolKeyValue, kTwoEmbed, kEmbed, pool),
               linear("attn_pool.proj", kPoolProj, kEmbed, kEmbed, pool),
               norm("attn_pool.norm", kPoolNorm, kEmbed, pool),
               linear("attn_pool.mlp.fc1", kPoolFc1, kPoolHidden, kEmbed, pool),
               linear("attn_pool.mlp.fc2", kPoolFc2, kEmbed, kPoolHidden, pool)});
}

Rules timm_beit() {
  return join({timm_tokens(),
               timm_common(),
               {tensor("blocks.{}.attn.qkv.weight", kQkv, {kThreeEmbed, kEmbed}),
                bias_tensor("blocks.{}.attn.q_bias", kQuery, kEmbed, {Option::kQkvBias}),
                bias_tensor("blocks.{}.attn.v_bias", kValue, kEmbed, {Option::kQkvBias}),
                tensor("blocks.{}.attn.relative_position_bias_table", kRelativePosition, {kRelativePositions, kHeads}),
                ignored("blocks.{}.attn.relative_position_index"), ignored("blocks.{}.attn.k_bias")},
               linear("blocks.{}.mlp.fc1", kFc1, kFc1Width, kEmbed)});
}

Rules timm_eva_fused_qkv() {
  return {tensor("blocks.{}.attn.qkv.weight", kQkv, {kThreeEmbed, kEmbed}),
          bias_tensor("blocks.{}.attn.q_bias", kQuery, kEmbed, {Option::kQkvBias}),
          bias_tensor("blocks.{}.attn.v_bias", kValue, kEmbed, {Option::kQkvBias}), ignored("blocks.{}.attn.k_bias")};
}
Rules timm_eva_split_mlp() {
  return join({linear("blocks.{}.mlp.fc1_g", kFc1Gate, kMlpHidden, kEmbed),
               linear("blocks.{}.mlp.fc1_x", kFc1, kMlpHidden, kEmbed),
               norm("blocks.{}.mlp.norm", kMlpNorm, kMlpHidden, {Option::kMlpNorm})});
}
Rules timm_eva() {
  return join(
      {timm_tokens(), timm_common(), timm_eva_fused_qkv(), linear("blocks.{}.mlp.fc1", kFc1, kFc1Width, kEmbed)});
}
Rules timm_eva_with_split_mlp() {
  return join({timm_tokens(), timm_common(), timm_eva_fused_qkv(), timm_eva_split_mlp()});
}
Rules timm_eva_with_split_qkv() {
  return join({timm_tokens(),
               timm_common(),
               linear("blocks.{}.attn.q_proj", kQuery, kEmbed, kEmbed),
               {tensor("blocks.{}.attn.k_proj.weight", kKey, {kEmbed, kEmbed})},
               linear("blocks.{}.attn.v_proj", kValue, kEmbed, kEmbed),
               timm_eva_split_mlp()});
}

/// DINO v1 has timm's names and no head. What its training script saves beside the backbone is not used.
Rules dino() {
  return join({timm_tokens(),
               timm_vit_blocks(),
               linear("blocks.{}.mlp.fc1", kFc1, kFc1Width, kEmbed),
               timm_common(),
               {ignored("head.mlp.*"), ignored("head.last_layer.*")}});
}

}  // namespace

std::vector<Family> timm_families() {
  const std::string patch = "patch_embed.proj.weight";
  Conventions eva;
  eva.rotary = true;
  Conventions dino_v1;
  dino_v1.pos_embed_resampling = kBicubicOffset;
  dino_v1.preprocess = "dinov2";  // the same: 256 px bicubic, then 224
  return {
      {"timm BEiT", {""}, {patch, "blocks.0.attn.relative_position_bias_table"}, {}, {}, timm_beit()},
      {"timm EVA", {""}, {patch, "blocks.0.attn.q_proj.weight"}, {}, eva, timm_eva_with_split_qkv()},
      {"timm EVA",
       {""},
       {patch, "blocks.0.attn.qkv.weight", "blocks.0.mlp.fc1_g.weight"},
       {},
       eva,
       timm_eva_with_split_mlp()},
      {"timm EVA", {""}, {patch, "blocks.0.attn.q_bias"}, {}, eva, timm_eva()},
      // DINOv3: no position embedding, and usually no bias on q, k and v.
      {"timm EVA", {""}, {patch, "blocks.0.gamma_1"}, {"pos_embed"}, eva, timm_eva()},
      {"DINO",
       {""},
       {patch, "blocks.0.attn.qkv.weight"},
       {"head.weight", "fc_norm.weight", "attn_pool.latent", "norm_pre.weight", "reg_token", "blocks.0.ls1.gamma",
        "blocks.0.gamma_1"},
       dino_v1,
       dino(),
       true},
      {"timm ViT", {""}, {patch}, {}, {}, timm_vit()},
  };
}

}  // namespace fovea
