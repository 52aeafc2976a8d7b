// transformers: modeling_dinov3_vit.py, with the names of versions 4 and 5.
#include "model/family/rules.hpp"

namespace fovea {
namespace {

using namespace family_rules;  // NOLINT(google-build-using-namespace): the words that tables are written in

Rules dinov3(const std::string& block) {
  Rules gate = linear(block + "mlp.gate_proj", kFc1Gate, kMlpHidden, kEmbed, {Option::kGatedMlp});
  gate.back().options.insert(Option::kMlpBias);
  return join({{tensor("embeddings.cls_token", kClassToken, {kOne, kOne, kEmbed}), ignored("embeddings.mask_token"),
                tensor("embeddings.register_tokens", kRegisterTokens, {kOne, kRegisters, kEmbed}, {Option::kRegisters}),
                tensor(block + "layer_scale1.lambda1", kLayerScale1, {kEmbed}),
                tensor(block + "layer_scale2.lambda1", kLayerScale2, {kEmbed})},
               patch_embed("embeddings.patch_embeddings"),
               norm(block + "norm1", kNorm1),
               linear_maybe_bias(block + "attention.q_proj", kQuery, kEmbed, kEmbed, Option::kQueryBias),
               linear_maybe_bias(block + "attention.k_proj", kKey, kEmbed, kEmbed, Option::kKeyBias),
               linear_maybe_bias(block + "attention.v_proj", kValue, kEmbed, kEmbed, Option::kValueBias),
               linear_maybe_bias(block + "attention.o_proj", kProj, kEmbed, kEmbed, Option::kProjBias),
               norm(block + "norm2", kNorm2),
               gate,
               linear_maybe_bias(block + "mlp.up_proj", kFc1, kMlpHidden, kEmbed, Option::kMlpBias),
               linear_maybe_bias(block + "mlp.down_proj", kFc2, kEmbed, kMlpHidden, Option::kMlpBias),
               norm("norm", kNorm)});
}

}  // namespace

std::vector<Family> transformers_dinov3_families() {
  Conventions conventions;
  conventions.norm_eps = 1e-5F;
  conventions.preprocess = "hf-torchvision";
  conventions.rotary = true;
  std::vector<Family> families;
  for (const std::string block : {"layer.", "model.layer."}) {  // version 4's, and version 5's
    families.push_back({"transformers DINOv3",
                        {""},
                        {"embeddings.patch_embeddings.weight", block + "0.layer_scale1.lambda1"},
                        {},
                        conventions,
                        dinov3(block + "{}.")});
  }
  return families;
}

}  // namespace fovea
