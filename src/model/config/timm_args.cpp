#include "model/config/timm_args.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "model/keys/library_keys.hpp"

namespace fovea {

using nlohmann::json;

std::span<const KeyRule> timm_args(TimmClass model_class) {
  switch (model_class) {
    case TimmClass::kVisionTransformer: return timm_vision_transformer_args();
    case TimmClass::kVisionTransformerRelPos: return timm_relpos_args();
    case TimmClass::kEva: return timm_eva_args();
    case TimmClass::kBeit: return timm_beit_args();
  }
  return {};
}

bool is_timm_wrapper(const ConfigReader& reader) {
  return reader.root().contains("model_type");
}

json timm_model_args(const ConfigReader& reader, TimmClass model_class) {
  json args = json::object();
  const json given = reader.object(reader.root(), "model_args");
  for (const auto& [key, value] : given.items()) {
    if (!value.is_null()) args[key] = value;
    if (!value.is_null() || is_timm_wrapper(reader)) continue;
    std::string_view none;
    for (const std::span<const KeyRule> table : {timm_common_args(), timm_args(model_class)}) {
      for (const KeyRule& rule : table) {
        if (rule.key == key) none = rule.none;
      }
    }
    if (none.empty())
      reader.fail("model_args." + to_utf8(key), "null", "a value, or no such key: timm raises an error");
    args[key] = json::parse(none);
  }
  return args;
}

void state_timm_roles(const ConfigReader& reader, const json& args, ModelConfig& config) {
  using enum Role;
  const auto state = [&](std::string_view key, std::vector<Role> roles, Part part, bool present) {
    config.roles.push_back({key, std::move(roles), part, present});
  };
  struct Switch {
    const char* key;
    std::vector<Role> roles;
    Part part = Part::kWeight;
  };
  for (Switch& one : std::vector<Switch>{{"class_token", {kClassToken}},
                                         {"pre_norm", {kNormPre}},
                                         {"use_pre_transformer_norm", {kNormPre}},
                                         {"qk_norm", {kQNorm}},
                                         {"scale_attn_norm", {kAttentionNorm}},
                                         {"scale_attn_inner", {kAttentionNorm}},
                                         {"scale_mlp_norm", {kMlpNorm}},
                                         {"scale_mlp", {kMlpNorm}},
                                         {"use_abs_pos_emb", {kPosEmbed}},
                                         {"qkv_fused", {kQkv}},
                                         {"qkv_bias", {kQkv, kQuery, kValue}, Part::kBias},
                                         {"proj_bias", {kProj}, Part::kBias}}) {
    if (const auto on = reader.flag(args, one.key)) state(one.key, std::move(one.roles), one.part, *on);
  }
  config.gated_mlp = reader.flag(args, "swiglu_mlp");
  if (args.contains("init_values")) state("init_values", {kLayerScale1}, Part::kWeight, !args["init_values"].is_null());
  const bool average = config.read_out == ReadOut::kPatchMean;
  const bool any_norm = reader.flag(args, "final_norm").value_or(true);
  if (args.contains("fc_norm")) {
    state("fc_norm", {kFcNorm}, Part::kWeight, any_norm && reader.flag(args, "fc_norm").value_or(average));
  }
  if (args.contains("use_fc_norm")) {
    state("use_fc_norm", {kFcNorm}, Part::kWeight, reader.flag(args, "use_fc_norm").value_or(average));
  }
  if (!any_norm) state("final_norm", {kNorm, kFcNorm}, Part::kWeight, false);
}

}  // namespace fovea
