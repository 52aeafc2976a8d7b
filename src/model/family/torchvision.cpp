// torchvision: models/vision_transformer.py.
#include "fovea/architecture.hpp"
#include "model/family/rules.hpp"

namespace fovea {
namespace {

using namespace family_rules;  // NOLINT(google-build-using-namespace): the words that tables are written in

Rules torchvision(const std::string& fc1, const std::string& fc2) {
  const std::string layer = "encoder.layers.encoder_layer_{}.";
  return join({{tensor("class_token", kClassToken, {kOne, kOne, kEmbed}),
                tensor("encoder.pos_embedding", kPosEmbed, {kOne, kPosTokens, kEmbed}),
                tensor(layer + "self_attention.in_proj_weight", kQkv, {kThreeEmbed, kEmbed}),
                bias_tensor(layer + "self_attention.in_proj_bias", kQkv, kThreeEmbed)},
               patch_embed("conv_proj"),
               norm(layer + "ln_1", kNorm1),
               linear(layer + "self_attention.out_proj", kProj, kEmbed, kEmbed),
               norm(layer + "ln_2", kNorm2),
               linear(layer + "mlp." + fc1, kFc1, kFc1Width, kEmbed),
               linear(layer + "mlp." + fc2, kFc2, kEmbed, kMlpHidden),
               norm("encoder.ln", kNorm),
               linear("heads.head", kHead, kClasses, kPooled, {Option::kHead})});
}

}  // namespace

std::vector<Family> torchvision_families() {
  const Conventions conventions{1e-6F, Activation::kGelu, kFixed, "torchvision"};
  const std::string patch = "conv_proj.weight";
  return {
      {"torchvision ViT",
       {""},
       {patch, "encoder.layers.encoder_layer_0.mlp.linear_1.weight"},
       {},
       conventions,
       torchvision("linear_1", "linear_2")},
      {"torchvision ViT", {""}, {patch}, {}, conventions, torchvision("0", "3")},
  };
}

}  // namespace fovea
