// The original authors' files: facebookresearch/dino, dinov2 and dinov3, openai/CLIP,
// google-research/vision_transformer. (DeiT and DeiT3 have timm's names.)
#include "fovea/architecture.hpp"
#include "model/family/rules.hpp"

namespace fovea {
namespace {

using namespace family_rules;  // NOLINT(google-build-using-namespace): the words that tables are written in

Rules dinov2_attention() {
  return join({linear_maybe_bias("blocks.{}.attn.qkv", kQkv, kThreeEmbed, kEmbed, Option::kQkvBias),
               {tensor("blocks.{}.ls1.gamma", kLayerScale1, {kEmbed}, {Option::kLayerScale}),
                tensor("blocks.{}.ls2.gamma", kLayerScale2, {kEmbed}, {Option::kLayerScale})}});
}

Rules dinov2(const std::string& fc1, const std::string& fc2) {
  return join({{tensor("cls_token", kClassToken, {kOne, kOne, kEmbed}),
                tensor("register_tokens", kRegisterTokens, {kOne, kRegisters, kEmbed}, {Option::kRegisters}),
                tensor("pos_embed", kPosEmbed, {kOne, kPosTokens, kEmbed}), ignored("mask_token")},
               patch_embed("patch_embed.proj"),
               norm("blocks.{}.norm1", kNorm1),
               dinov2_attention(),
               linear("blocks.{}.attn.proj", kProj, kEmbed, kEmbed),
               norm("blocks.{}.norm2", kNorm2),
               linear("blocks.{}.mlp." + fc1, kFc1, kFc1Width, kEmbed),
               linear("blocks.{}.mlp." + fc2, kFc2, kEmbed, kMlpHidden),
               norm("norm", kNorm),
               linear("linear_head", kHead, kClasses, kPooled, {Option::kHead})});
}

/// The bias of the keys is masked. The norm of local crops and the mask token are for training.
Rules dinov3(const Rules& mlp) {
  return join({{tensor("cls_token", kClassToken, {kOne, kOne, kEmbed}),
                tensor("storage_tokens", kRegisterTokens, {kOne, kRegisters, kEmbed}, {Option::kRegisters}),
                ignored("mask_token"), ignored("local_cls_norm.*"),
                tensor("rope_embed.periods", kRopePeriods, {kQuarterHeadDim}),
                tensor("blocks.{}.attn.qkv.bias_mask", kQkvBiasMask, {kThreeEmbed}, {Option::kQkvBiasMask})},
               patch_embed("patch_embed.proj"),
               norm("blocks.{}.norm1", kNorm1),
               dinov2_attention(),
               linear_maybe_bias("blocks.{}.attn.proj", kProj, kEmbed, kEmbed, Option::kProjBias),
               norm("blocks.{}.norm2", kNorm2),
               mlp,
               norm("norm", kNorm),
               linear("linear_head", kHead, kClasses, kPooled, {Option::kHead})});
}
Rules dinov3_mlp() {
  return join({linear_maybe_bias("blocks.{}.mlp.fc1", kFc1, kFc1Width, kEmbed, Option::kMlpBias),
               linear_maybe_bias("blocks.{}.mlp.fc2", kFc2, kEmbed, kMlpHidden, Option::kMlpBias)});
}
Rules dinov3_swiglu() {
  return join({linear_maybe_bias("blocks.{}.mlp.w1", kFc1Gate, kMlpHidden, kEmbed, Option::kMlpBias),
               linear_maybe_bias("blocks.{}.mlp.w2", kFc1, kMlpHidden, kEmbed, Option::kMlpBias),
               linear_maybe_bias("blocks.{}.mlp.w3", kFc2, kEmbed, kMlpHidden, Option::kMlpBias)});
}

Rules openai_clip() {
  return join({{tensor("visual.class_embedding", kClassToken, {kEmbed}),
                tensor("visual.positional_embedding", kPosEmbed, {kPosTokens, kEmbed}),
                tensor("visual.conv1.weight", kPatchEmbed, {kEmbed, kRgb, kPatch, kPatch}),
                tensor("visual.transformer.resblocks.{}.attn.in_proj_weight", kQkv, {kThreeEmbed, kEmbed}),
                bias_tensor("visual.transformer.resblocks.{}.attn.in_proj_bias", kQkv, kThreeEmbed)},
               norm("visual.ln_pre", kNormPre),
               norm("visual.transformer.resblocks.{}.ln_1", kNorm1),
               linear("visual.transformer.resblocks.{}.attn.out_proj", kProj, kEmbed, kEmbed),
               norm("visual.transformer.resblocks.{}.ln_2", kNorm2),
               linear("visual.transformer.resblocks.{}.mlp.c_fc", kFc1, kFc1Width, kEmbed),
               linear("visual.transformer.resblocks.{}.mlp.c_proj", kFc2, kEmbed, kMlpHidden),
               norm("visual.ln_post", kNorm),
               {{"visual.proj", kProjection, kWeight, {kEmbed, kProjectionWidth}, {Option::kProjection}, kInOut},
                tensor("logit_scale", kLogitScale, {}, {Option::kLogitScale}),
                ignored("transformer.*"),
                ignored("token_embedding.*"),
                ignored("positional_embedding"),
                ignored("ln_final.*"),
                ignored("text_projection"),
                ignored("attn_mask"),
                ignored("input_resolution"),
                ignored("context_length"),
                ignored("vocab_size")}});
}

/// Flax arrays: [in..., out...], with an axis for the heads.
Rules google_npz() {
  const std::string block = "Transformer/encoderblock_{}/";
  const std::string attention = block + "MultiHeadDotProductAttention_1/";
  const auto flax_norm = [](const std::string& name, Role role) -> Rules {
    return {tensor(name + "/scale", role, {kEmbed}), bias_tensor(name + "/bias", role, kEmbed, {Option::kNormBias})};
  };
  const auto flax_linear = [](const std::string& name, Role role, Dim in, Dim out, const Options& options) -> Rules {
    return {{name + "/kernel", role, kWeight, {in, out}, options, kInOut},
            {name + "/bias", role, kBias, {out}, options}};
  };
  const auto heads = [&](const std::string& name, Role role) -> Rules {
    return {{attention + name + "/kernel", role, kWeight, {kEmbed, kHeads, kHeadDim}, {}, kInOut},
            {attention + name + "/bias", role, kBias, {kHeads, kHeadDim}, {}}};
  };
  return join({{tensor("cls", kClassToken, {kOne, kOne, kEmbed}, {Option::kClassToken}),
                tensor("Transformer/posembed_input/pos_embedding", kPosEmbed, {kOne, kPosTokens, kEmbed}),
                {"embedding/kernel", kPatchEmbed, kWeight, {kPatch, kPatch, kRgb, kEmbed}, {}, kHwio},
                bias_tensor("embedding/bias", kPatchEmbed, kEmbed)},
               flax_norm(block + "LayerNorm_0", kNorm1),
               heads("query", kQuery),
               heads("key", kKey),
               heads("value", kValue),
               {{attention + "out/kernel", kProj, kWeight, {kHeads, kHeadDim, kEmbed}, {}, kInOut},
                bias_tensor(attention + "out/bias", kProj, kEmbed)},
               flax_norm(block + "LayerNorm_2", kNorm2),
               flax_linear(block + "MlpBlock_3/Dense_0", kFc1, kEmbed, kMlpHidden, {}),
               flax_linear(block + "MlpBlock_3/Dense_1", kFc2, kMlpHidden, kEmbed, {}),
               flax_norm("Transformer/encoder_norm", kNorm),
               flax_linear("head", kHead, kPooled, kClasses, {Option::kHead})});
}

}  // namespace

std::vector<Family> original_families() {
  Conventions dinov2_hub;
  dinov2_hub.pos_embed_resampling = kBicubicOffset;
  dinov2_hub.preprocess = "dinov2";
  dinov2_hub.evaluation_size = Size{224, 224};  // trained with 518
  dinov2_hub.read_out_with_head = ReadOut::kClassAndPatchMean;
  Conventions dinov3_hub = dinov2_hub;
  dinov3_hub.norm_eps = 1e-5F;
  dinov3_hub.rotary = true;
  const Conventions clip{1e-5F, Activation::kQuickGelu, kFixed, "clip"};
  Conventions google;
  google.pos_embed_resampling = kGoogle;
  const std::string patch = "patch_embed.proj.weight";
  const std::string periods = "rope_embed.periods";
  return {
      {"DINOv3", {""}, {patch, periods, "blocks.0.mlp.w1.weight"}, {}, dinov3_hub, dinov3(dinov3_swiglu())},
      {"DINOv3", {""}, {patch, periods, "blocks.0.mlp.fc1.weight"}, {}, dinov3_hub, dinov3(dinov3_mlp())},
      {"DINOv2", {""}, {patch, "mask_token", "blocks.0.mlp.w12.weight"}, {}, dinov2_hub, dinov2("w12", "w3")},
      {"DINOv2", {""}, {patch, "mask_token"}, {}, dinov2_hub, dinov2("fc1", "fc2")},
      {"OpenAI CLIP", {""}, {"visual.conv1.weight", "visual.class_embedding"}, {}, clip, openai_clip()},
      {"Google ViT", {""}, {"embedding/kernel", "Transformer/posembed_input/pos_embedding"}, {}, google, google_npz()},
  };
}

}  // namespace fovea
