// transformers: modeling_vit.py, modeling_vit_msn.py, modeling_ijepa.py, modeling_deit.py, modeling_dinov2*.py,
// modeling_beit.py and modeling_data2vec_vision.py (https://github.com/huggingface/transformers), with the names of
// versions 4 and 5.
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
/// What version 5.24 writes of a ViTMSN with a head: its blocks have lost the prefix that all else has.
TransformersBlock without_prefix(TransformersBlock names) {
  names.path.erase(0, 1);
  return names;
}
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

Rules transformers_embeddings(const Options& class_token = {}) {
  return join({{tensor("@embeddings.cls_token", kClassToken, {kOne, kOne, kEmbed}, class_token),
                ignored("@embeddings.mask_token")},
               patch_embed("@embeddings.patch_embeddings.projection")});
}

/// ViT and DeiT. DeiT's plain classifier reads only the class token, although there is a distillation token.
Rules transformers_vit(const TransformersBlock& names, const Rules& heads, const Options& class_token = {}) {
  return join({transformers_embeddings(class_token),
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

/// BEiT and Data2Vec, whose keys have no bias.
/// @param own     the module of a block's relative positions, inside the block
/// @param shared  that of all blocks' together
Rules transformers_beit(const TransformersBlock& names, const std::string& own, const std::string& shared) {
  const auto positions = [](const std::string& module, Option option) -> Rules {
    return {tensor(module + ".relative_position_bias_table", kRelativePosition, {kRelativePositions, kHeads}, {option}),
            ignored(module + ".relative_position_index")};
  };
  return join({transformers_embeddings(),
               norm(names.path + "layernorm_before", kNorm1),
               linear_maybe_bias(names.path + names.query, kQuery, kEmbed, kEmbed, Option::kQkvBias),
               {tensor(names.path + names.key + ".weight", kKey, {kEmbed, kEmbed}),
                tensor("@embeddings.position_embeddings", kPosEmbed, {kOne, kPosTokens, kEmbed}, {Option::kPosEmbed}),
                tensor(names.path + "lambda_1", kLayerScale1, {kEmbed}, {Option::kGamma}),
                tensor(names.path + "lambda_2", kLayerScale2, {kEmbed}, {Option::kGamma})},
               positions(names.path + own, Option::kBlockPositions),
               positions(shared, Option::kSharedPositions),
               linear_maybe_bias(names.path + names.value, kValue, kEmbed, kEmbed, Option::kQkvBias),
               linear(names.path + names.proj, kProj, kEmbed, kEmbed),
               norm(names.path + "layernorm_after", kNorm2),
               transformers_mlp(names),
               norm("@layernorm", kNorm, kEmbed, {Option::kNorm}),
               norm("@pooler.layernorm", kFcNorm, kEmbed, {Option::kFcNorm}),
               one_classifier()});
}

}  // namespace

std::vector<Family> transformers_families() {
  const Conventions vit{1e-12F, Activation::kGelu, kBicubic, "hf-torchvision"};
  Conventions teacher = vit;
  teacher.read_out = teacher.read_out_with_head = ReadOut::kClassAndDistToken;
  Conventions dinov2 = vit;
  dinov2.norm_eps = 1e-6F;
  dinov2.read_out_with_head = ReadOut::kClassAndPatchMean;
  Conventions ijepa = vit;
  ijepa.read_out = ijepa.read_out_with_head = ReadOut::kPatchMean;
  const std::vector<std::string> of_vit{"vit.", "deit.", ""};
  const std::vector<std::string> of_ijepa{"ijepa.", ""};
  const std::vector<std::string> of_beit{"beit.", "data2vec_vision.", ""};
  const std::string class_token = "@embeddings.cls_token";
  const std::string positions = "@embeddings.position_embeddings";
  const std::vector<std::string> of_dinov2{"dinov2.", "dinov2_with_registers.", ""};
  const std::string v4 = "@encoder.layer.0.attention.attention.";
  const std::string v5 = "@encoder.layer.0.attention.";
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
       of_beit,
       {v4 + "query.bias"},
       {v4 + "key.bias"},
       vit,
       transformers_beit(kVitV4, "attention.attention.relative_position_bias", "@encoder.relative_position_bias")},
      {"transformers BEiT",
       of_beit,
       {"@layers.0.attention.q_proj.bias"},
       {"@layers.0.attention.k_proj.bias"},
       vit,
       transformers_beit(kVitV5, "relative_position_bias", "@shared_position_bias")},
      {"transformers I-JEPA",
       of_ijepa,
       {"@encoder.layer.0.layernorm_before.weight", positions},
       {class_token},
       ijepa,
       transformers_vit(kVitV4, one_classifier(), {Option::kClassToken})},
      {"transformers I-JEPA",
       of_ijepa,
       {"@layers.0.layernorm_before.weight", positions},
       {class_token},
       ijepa,
       transformers_vit(kVitV5, one_classifier(), {Option::kClassToken})},
      {"transformers ViT",
       {"vit."},
       {class_token, "encoder.layer.0.layernorm_before.weight"},
       {},
       vit,
       transformers_vit(without_prefix(kVitV4), one_classifier())},
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
  };
}

}  // namespace fovea
