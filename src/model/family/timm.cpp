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

/// What stands before the blocks and after them: the same in vision_transformer.py, beit.py and eva.py.
Rules timm_around_blocks() {
  return join({timm_tokens(), patch_embed("patch_embed.proj"),
               norm("patch_embed.norm", kEmbedNorm, kEmbed, {Option::kEmbedNorm}),
               norm("norm_pre", kNormPre, kEmbed, {Option::kNormPre}), norm("norm", kNorm, kEmbed, {Option::kNorm}),
               norm("fc_norm", kFcNorm, kEmbed, {Option::kFcNorm}),
               linear("head", kHead, kClasses, kPooled, {Option::kHead}), open_clip()});
}

/// Norms, proj and fc2, which are the same, too.
Rules timm_common() {
  return join({timm_around_blocks(), norm("blocks.{}.norm1", kNorm1),
               norm("blocks.{}.attn.norm", kAttentionNorm, kEmbed, {Option::kAttentionNorm}),
               linear_maybe_bias("blocks.{}.attn.proj", kProj, kEmbed, kEmbed, Option::kProjBias),
               norm("blocks.{}.norm2", kNorm2), norm("blocks.{}.mlp.norm", kMlpNorm, kMlpHidden, {Option::kMlpNorm}),
               linear_maybe_bias("blocks.{}.mlp.fc2", kFc2, kEmbed, kMlpHidden, Option::kProjBias)});
}

Rules timm_fc1() {
  return linear_maybe_bias("blocks.{}.mlp.fc1", kFc1, kFc1Width, kEmbed, Option::kProjBias);
}
/// The gate has a layer of its own.
Rules timm_gate_and_fc1() {
  return join({linear_maybe_bias("blocks.{}.mlp.fc1_g", kFc1Gate, kMlpHidden, kEmbed, Option::kProjBias),
               linear_maybe_bias("blocks.{}.mlp.fc1_x", kFc1, kMlpHidden, kEmbed, Option::kProjBias)});
}

/// @param of_mlp  the option of the MLP's layer scale
Rules timm_gammas(Option of_mlp = Option::kGamma) {
  return {tensor("blocks.{}.gamma_1", kLayerScale1, {kEmbed}, {Option::kGamma}),
          tensor("blocks.{}.gamma_2", kLayerScale2, {kEmbed}, {of_mlp})};
}

Rules timm_qk_norm(const std::string& attention) {
  return join({norm(attention + "q_norm", kQNorm, kHeadDim, {Option::kQkNorm}),
               norm(attention + "k_norm", kKNorm, kHeadDim, {Option::kQkNorm})});
}

Rules timm_differential(const std::string& attention) {
  const Options differential{Option::kDifferential};
  return {tensor(attention + "lambda_q1", kLambdaQ1, {kHalfHeadDim}, differential),
          tensor(attention + "lambda_k1", kLambdaK1, {kHalfHeadDim}, differential),
          tensor(attention + "lambda_q2", kLambdaQ2, {kHalfHeadDim}, differential),
          tensor(attention + "lambda_k2", kLambdaK2, {kHalfHeadDim}, differential),
          tensor(attention + "sub_norm.weight", kSubNorm, {kHeadDim}, differential)};
}

Rules timm_vit_attention() {
  return join({linear_maybe_bias("blocks.{}.attn.qkv", kQkv, kThreeEmbed, kEmbed, Option::kQkvBias),
               timm_qk_norm("blocks.{}.attn."),
               timm_differential("blocks.{}.attn."),
               {tensor("blocks.{}.ls1.gamma", kLayerScale1, {kEmbed}, {Option::kLayerScale}),
                tensor("blocks.{}.ls2.gamma", kLayerScale2, {kEmbed}, {Option::kLayerScale})}});
}

Rules timm_attention_pool() {
  const Options pool{Option::kAttentionPool};
  return join({{tensor("attn_pool.latent", kPoolLatent, {kOne, kOne, kEmbed}, pool)},
               linear("attn_pool.q", kPoolQuery, kEmbed, kEmbed, pool),
               linear("attn_pool.kv", kPoolKeyValue, kTwoEmbed, kEmbed, pool),
               linear("attn_pool.proj", kPoolProj, kEmbed, kEmbed, pool),
               norm("attn_pool.norm", kPoolNorm, kEmbed, pool),
               linear("attn_pool.mlp.fc1", kPoolFc1, kPoolHidden, kEmbed, pool),
               linear("attn_pool.mlp.fc2", kPoolFc2, kEmbed, kPoolHidden, pool)});
}

/// DeiT3's own files have layer scale by its older name.
Rules timm_vit() {
  return join({timm_common(),
               timm_vit_attention(),
               timm_gammas(),
               timm_fc1(),
               timm_attention_pool(),
               {tensor("dist_token", kDistToken, {kOne, kOne, kEmbed}, {Option::kDistilled})},
               linear("head_dist", kHeadDist, kClasses, kEmbed, {Option::kDistilled})});
}
/// vision_transformer_relpos.py.
/// @param mlp  of the whole model, or of each block
Rules timm_vit_with_relative_positions(const std::string& mlp) {
  return join({timm_vit(), linear(mlp + "fc1", kRelPosFc1, kRelPosHidden, kTwo),
               linear(mlp + "fc2", kRelPosFc2, kHeads, kRelPosHidden)});
}
Rules timm_vit_with_gate() {
  return join({timm_common(), timm_vit_attention(), timm_gate_and_fc1(), timm_attention_pool()});
}

/// ParallelScalingBlock and DiffParallelScalingBlock: fc1 and qkv in one tensor.
Rules timm_parallel_block() {
  const Slice mlp{0, {}, kMlpHidden};
  const Slice attention{0, kMlpHidden, kThreeEmbed};
  return join({norm("blocks.{}.in_norm", kNorm1),
               {part_of(tensor("blocks.{}.in_proj.weight", kFc1, {kMlpAndThreeEmbed, kEmbed}), mlp),
                part_of(tensor("blocks.{}.in_proj.weight", kQkv, {kMlpAndThreeEmbed, kEmbed}), attention),
                part_of(bias_tensor("blocks.{}.in_proj.bias", kFc1, kMlpAndThreeEmbed, {Option::kQkvBias}), mlp),
                part_of(bias_tensor("blocks.{}.in_proj.bias", kQkv, kMlpAndThreeEmbed, {Option::kQkvBias}), attention),
                bias_tensor("blocks.{}.mlp_bias", kFc1, kMlpHidden, {Option::kFc1Bias}),
                tensor("blocks.{}.ls.gamma", kLayerScale1, {kEmbed}, {Option::kLayerScale}),
                tensor("blocks.{}.ls.gamma", kLayerScale2, {kEmbed}, {Option::kLayerScale})},
               timm_qk_norm("blocks.{}."),
               timm_differential("blocks.{}.")});
}
Rules timm_parallel_vit() {
  return join({timm_around_blocks(), timm_parallel_block(),
               linear_maybe_bias("blocks.{}.attn_out_proj", kProj, kEmbed, kEmbed, Option::kProjBias),
               linear_maybe_bias("blocks.{}.mlp_out_proj", kFc2, kEmbed, kMlpHidden, Option::kProjBias),
               timm_attention_pool()});
}
/// proj and fc2 are one tensor, too.
Rules timm_parallel_vit_with_one_projection() {
  return join({timm_around_blocks(),
               timm_parallel_block(),
               {part_of(tensor("blocks.{}.out_proj.weight", kProj, {kEmbed, kEmbedAndMlp}), {1, {}, kEmbed}),
                part_of(tensor("blocks.{}.out_proj.weight", kFc2, {kEmbed, kEmbedAndMlp}), {1, kEmbed, kMlpHidden}),
                bias_tensor("blocks.{}.out_proj.bias", kProj, kEmbed, {Option::kProjBias})},
               timm_attention_pool()});
}

Rules timm_beit() {
  return join({timm_common(),
               timm_gammas(),
               {tensor("blocks.{}.attn.qkv.weight", kQkv, {kThreeEmbed, kEmbed}),
                bias_tensor("blocks.{}.attn.q_bias", kQuery, kEmbed, {Option::kQkvBias}),
                bias_tensor("blocks.{}.attn.v_bias", kValue, kEmbed, {Option::kQkvBias}),
                tensor("blocks.{}.attn.relative_position_bias_table", kRelativePosition, {kRelativePositions, kHeads}),
                ignored("blocks.{}.attn.relative_position_index"), ignored("blocks.{}.attn.k_bias")},
               timm_fc1()});
}

/// What eva.py may have beside its attention and its MLP.
Rules timm_eva_common(Option mlp_gamma = Option::kGamma) {
  return join({timm_common(), timm_gammas(mlp_gamma), timm_qk_norm("blocks.{}.attn."), timm_attention_pool()});
}
Rules timm_eva_fused_qkv() {
  return {tensor("blocks.{}.attn.qkv.weight", kQkv, {kThreeEmbed, kEmbed}),
          bias_tensor("blocks.{}.attn.q_bias", kQuery, kEmbed, {Option::kQkvBias}),
          bias_tensor("blocks.{}.attn.v_bias", kValue, kEmbed, {Option::kQkvBias}), ignored("blocks.{}.attn.k_bias")};
}
Rules timm_eva() {
  return join({timm_eva_common(), timm_eva_fused_qkv(), timm_fc1()});
}
Rules timm_eva_with_gate() {
  return join({timm_eva_common(), timm_eva_fused_qkv(), timm_gate_and_fc1()});
}
Rules timm_eva_with_split_qkv() {
  return join({timm_eva_common(),
               linear("blocks.{}.attn.q_proj", kQuery, kEmbed, kEmbed),
               {tensor("blocks.{}.attn.k_proj.weight", kKey, {kEmbed, kEmbed})},
               linear("blocks.{}.attn.v_proj", kValue, kEmbed, kEmbed),
               timm_gate_and_fc1()});
}
/// AttentionRope instead of EvaAttention: keys have a bias, and several heads may share keys and values (Sapiens 2).
Rules timm_eva_with_shared_keys() {
  return join({timm_eva_common(Option::kMlpGamma),
               linear_maybe_bias("blocks.{}.attn.q_proj", kQuery, kEmbed, kEmbed, Option::kQkvBias),
               linear_maybe_bias("blocks.{}.attn.k_proj", kKey, kKeyValue, kEmbed, Option::kQkvBias),
               linear_maybe_bias("blocks.{}.attn.v_proj", kValue, kKeyValue, kEmbed, Option::kQkvBias), timm_fc1()});
}
/// The same, fused: Perception Encoders and RoPE-ViT.
Rules timm_eva_with_key_bias() {
  return join(
      {timm_eva_common(),
       linear("blocks.{}.attn.qkv", kQkv, kThreeEmbed, kEmbed),
       {tensor("rope.freqs", kRopeFrequencies, {kTwo, kDepth, kHeads, kHalfHeadDim}, {Option::kRopeFrequencies})},
       timm_fc1()});
}

/// DINO v1 has timm's names and no head. What its training script saves beside the backbone is not used.
Rules dino() {
  return join({timm_common(), timm_vit_attention(), timm_fc1(), {ignored("head.mlp.*"), ignored("head.last_layer.*")}});
}

}  // namespace

std::vector<Family> timm_families() {
  const std::string patch = "patch_embed.proj.weight";
  Conventions eva;
  eva.rotary = true;
  Conventions dino_v1;
  dino_v1.pos_embed_resampling = kBicubicOffset;
  dino_v1.preprocess = "dinov2";  // the same: 256 px bicubic, then 224
  const std::string qkv = "blocks.0.attn.qkv.weight";
  const std::string gate = "blocks.0.mlp.fc1_g.weight";
  const std::string gamma = "blocks.0.gamma_1";
  return {
      {"timm BEiT", {""}, {patch, "blocks.0.attn.relative_position_bias_table"}, {}, {}, timm_beit()},
      {"timm EVA", {""}, {patch, "blocks.0.attn.q_proj.weight", gate}, {}, eva, timm_eva_with_split_qkv()},
      {"timm EVA", {""}, {patch, "blocks.0.attn.q_proj.weight"}, {}, eva, timm_eva_with_shared_keys()},
      {"timm ViT", {""}, {patch, qkv, gate, "patch_embed.norm.weight"}, {}, {}, timm_vit_with_gate()},
      {"timm EVA", {""}, {patch, qkv, gate}, {}, eva, timm_eva_with_gate()},
      {"timm EVA", {""}, {patch, "blocks.0.attn.q_bias"}, {}, eva, timm_eva()},
      {"timm EVA", {""}, {patch, "rope.freqs"}, {}, eva, timm_eva_with_key_bias()},
      {"timm ViT",
       {""},
       {patch, "shared_rel_pos.mlp.fc1.weight"},
       {},
       {},
       timm_vit_with_relative_positions("shared_rel_pos.mlp.")},
      {"timm ViT",
       {""},
       {patch, "blocks.0.attn.rel_pos.mlp.fc1.weight"},
       {},
       {},
       timm_vit_with_relative_positions("blocks.{}.attn.rel_pos.mlp.")},
      // The config says how positions become rotations.
      {"timm EVA", {""}, {patch, gamma, "blocks.0.attn.qkv.bias"}, {}, eva, timm_eva_with_key_bias(), false, true},
      // DINOv3: no position embedding, and usually no bias on q, k and v.
      {"timm EVA", {""}, {patch, gamma}, {"pos_embed"}, eva, timm_eva()},
      {"timm ViT", {""}, {patch, "blocks.0.attn_out_proj.weight"}, {}, {}, timm_parallel_vit()},
      {"timm ViT", {""}, {patch, "blocks.0.out_proj.weight"}, {}, {}, timm_parallel_vit_with_one_projection()},
      {"DINO",
       {""},
       {patch, qkv},
       {"head.weight", "fc_norm.weight", "attn_pool.latent", "norm_pre.weight", "reg_token", "blocks.0.ls1.gamma",
        gamma},
       dino_v1,
       dino(),
       true},
      {"timm ViT", {""}, {patch}, {"blocks.0.attns.0.norm.weight"}, {}, timm_vit()},
  };
}

}  // namespace fovea
