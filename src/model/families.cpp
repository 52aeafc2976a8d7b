// The tables. Names of timm's vision_transformer.py (https://github.com/huggingface/pytorch-image-models).
#include "model/family.hpp"

namespace fovea {

std::span<const Family> families() {
  using enum Role;
  using enum Dim;
  static const std::vector<Family> kFamilies{
      {"timm ViT",
       {
           {"cls_token", kClassToken, {kOne, kOne, kEmbed}},
           {"pos_embed", kPosEmbed, {kOne, kTokens, kEmbed}},
           {"patch_embed.proj.weight", kPatchWeight, {kEmbed, kRgb, kPatch, kPatch}},
           {"patch_embed.proj.bias", kPatchBias, {kEmbed}},
           {"blocks.{}.norm1.weight", kNorm1Weight, {kEmbed}},
           {"blocks.{}.norm1.bias", kNorm1Bias, {kEmbed}},
           {"blocks.{}.attn.qkv.weight", kQkvWeight, {kThreeEmbed, kEmbed}},
           {"blocks.{}.attn.qkv.bias", kQkvBias, {kThreeEmbed}},
           {"blocks.{}.attn.proj.weight", kProjWeight, {kEmbed, kEmbed}},
           {"blocks.{}.attn.proj.bias", kProjBias, {kEmbed}},
           {"blocks.{}.norm2.weight", kNorm2Weight, {kEmbed}},
           {"blocks.{}.norm2.bias", kNorm2Bias, {kEmbed}},
           {"blocks.{}.mlp.fc1.weight", kFc1Weight, {kMlpHidden, kEmbed}},
           {"blocks.{}.mlp.fc1.bias", kFc1Bias, {kMlpHidden}},
           {"blocks.{}.mlp.fc2.weight", kFc2Weight, {kEmbed, kMlpHidden}},
           {"blocks.{}.mlp.fc2.bias", kFc2Bias, {kEmbed}},
           {"norm.weight", kNormWeight, {kEmbed}},
           {"norm.bias", kNormBias, {kEmbed}},
           {"head.weight", kHeadWeight, {kClasses, kEmbed}},
           {"head.bias", kHeadBias, {kClasses}},
       }},
  };
  return kFamilies;
}

}  // namespace fovea
