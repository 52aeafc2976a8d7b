// timm's names for plain Vision Transformers (Dosovitskiy et al. 2021, table 1; Touvron et al. 2021, table 1).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "model/config/config.hpp"

namespace fovea {
namespace {

struct Row {
  std::string_view name;
  int image_size;          // px
  std::size_t patch_size;  // px
  std::size_t embed_dim;
  std::size_t depth;
  std::size_t num_heads;
};

constexpr std::array kRows{
    Row{"vit_tiny_patch16_224", 224, 16, 192, 12, 3},    Row{"vit_tiny_patch16_384", 384, 16, 192, 12, 3},
    Row{"vit_small_patch32_224", 224, 32, 384, 12, 6},   Row{"vit_small_patch32_384", 384, 32, 384, 12, 6},
    Row{"vit_small_patch16_224", 224, 16, 384, 12, 6},   Row{"vit_small_patch16_384", 384, 16, 384, 12, 6},
    Row{"vit_small_patch8_224", 224, 8, 384, 12, 6},     Row{"vit_base_patch32_224", 224, 32, 768, 12, 12},
    Row{"vit_base_patch32_384", 384, 32, 768, 12, 12},   Row{"vit_base_patch16_224", 224, 16, 768, 12, 12},
    Row{"vit_base_patch16_384", 384, 16, 768, 12, 12},   Row{"vit_base_patch8_224", 224, 8, 768, 12, 12},
    Row{"vit_large_patch32_224", 224, 32, 1024, 24, 16}, Row{"vit_large_patch32_384", 384, 32, 1024, 24, 16},
    Row{"vit_large_patch16_224", 224, 16, 1024, 24, 16}, Row{"vit_large_patch16_384", 384, 16, 1024, 24, 16},
    Row{"vit_huge_patch14_224", 224, 14, 1280, 32, 16},  Row{"deit_tiny_patch16_224", 224, 16, 192, 12, 3},
    Row{"deit_small_patch16_224", 224, 16, 384, 12, 6},  Row{"deit_base_patch16_224", 224, 16, 768, 12, 12},
    Row{"deit_base_patch16_384", 384, 16, 768, 12, 12},
};

/// Prefixes of names whose head width is not 64, and of names that look like one (timm/models/vision_transformer.py and
/// eva.py).
constexpr std::array kUnusualHeads{std::pair{"vit_base_patch16_gap_224", 16U},
                                   std::pair{"vit_huge_plus_", 20U},
                                   std::pair{"vit_huge_", 16U},
                                   std::pair{"vit_giant_patch14_clip", 16U},
                                   std::pair{"vit_giant_patch14_224", 16U},
                                   std::pair{"vit_giant_patch16_gap", 16U},
                                   std::pair{"vit_giantopt_", 16U},
                                   std::pair{"vit_gigantic_", 16U},
                                   std::pair{"vit_pe_core_gigantic_", 16U},
                                   std::pair{"vit_pe_lang_gigantic_", 16U},
                                   std::pair{"vit_pe_spatial_gigantic_", 16U},
                                   std::pair{"vit_5b_", 32U},
                                   std::pair{"vit_7b_", 32U},
                                   std::pair{"vit_so400m_", 16U},
                                   std::pair{"deit3_huge_", 16U},
                                   std::pair{"beit3_giant_", 16U},
                                   std::pair{"aimv2_large_", 8U},
                                   std::pair{"aimv2_huge_", 12U},
                                   std::pair{"aimv2_1b_", 16U},
                                   std::pair{"aimv2_3b_", 24U},
                                   std::pair{"eva_giant_", 16U},
                                   std::pair{"eva02_enormous_", 16U},
                                   std::pair{"test_vit_relpos", 3U},
                                   std::pair{"test_vit3", 3U},
                                   std::pair{"test_vit4", 3U},
                                   std::pair{"test_vit", 2U}};

/// Parts of names with GELU's tanh approximation. Not every SigLIP has it: timm uses it where the weights were trained
/// with it.
constexpr std::array kTanhNames{"so400m_patch16_siglip", "giantopt_patch16_siglip", "base_patch32_siglip",
                                "large_patch16_siglip_512", "large_patch16_siglip_gap_512"};
/// Parts of names with a norm eps of 1e-5, unless the name begins like the others.
constexpr std::array kLargerEpsNames{"_clip_", "dinov3", "lingbot", "beit3_", "aimv2_", "vit_pe_"};
constexpr std::array kUsualEpsBeginnings{"eva_", "eva02_"};
/// Parts of names with norms after the sub-layers.
constexpr std::array kNormAfterNames{"_rpn_", "eva02_enormous"};

/// Parts of names of models that timm's Eva builds, of those that it averages by default or not, of those that take any
/// size.
constexpr std::array kEvaNames{"dinov3", "lingbot", "_rope_", "vit_pe_", "sapiens"};
constexpr std::array kTokenNames{"_clip_", "lingbot", "_rope_", "sapiens2"};
constexpr std::array kAverageNames{"_gap_", "aimv2_", "beit3_", "_rpn_", "eva_large_patch14_"};
constexpr std::array kDynamicNames{"dinov3", "lingbot", "intern300m", "sapiens2"};
/// Names of models whose prefix tokens have no position embeddings.
constexpr std::array kNoEmbedClassNames{"deit3_", "flexivit_", "_radio_", "_reg1_", "_reg4_", "_xp_", "_ape_"};
constexpr std::array kEmbedClassNames{"so150m", "_rope_reg"};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

template <typename Parts>
bool contains_any(std::string_view text, const Parts& parts) {
  return std::any_of(parts.begin(), parts.end(), [text](std::string_view part) { return contains(text, part); });
}

TimmClass class_of(std::string_view name) {
  if (contains(name, "vit_relpos") || contains(name, "vit_srelpos")) return TimmClass::kVisionTransformerRelPos;
  if (name.starts_with("beit_") || name.starts_with("beitv2_")) return TimmClass::kBeit;
  if (name.starts_with("eva_large_patch14_")) return TimmClass::kVisionTransformer;
  return name.starts_with("eva") || contains_any(name, kEvaNames) ? TimmClass::kEva : TimmClass::kVisionTransformer;
}

/// The rotary embedding that the name's own function asks for, where the tensors mean another or none.
void name_rope(std::string_view name, TimmFacts& facts) {
  const bool plain_eva = name.starts_with("eva_") || name.starts_with("eva02_enormous");
  if (contains(name, "_rope_reg") || (name.starts_with("eva02_") && !plain_eva)) {
    facts.rope = Rope::kEva02;
  } else if (contains(name, "_rope_")) {  // RoPE-ViT
    facts.rope = contains(name, "_rope_mixed_") ? Rope::kMixed : Rope::kEva02;
    const double temperature = contains(name, "_rope_mixed_") ? 10.0 : 100.0;
    facts.rope_settings = RopeSettings{.temperature = temperature, .reference = {}, .x_first = true};
  } else if (contains(name, "vit_pe_")) {
    const bool pre_trained_at_384 = contains(name, "_384") || contains(name, "_336");
    const std::size_t side = contains(name, "_224") ? 14 : pre_trained_at_384 ? 24 : 32;
    facts.rope = Rope::kEva02;
    facts.rope_settings = RopeSettings{
        .grid_offset = contains(name, "gigantic") ? 0.0 : 1.0, .reference = PatchGrid{side, side}, .x_first = true};
  } else if (name.starts_with("beit") || plain_eva) {
    facts.rope = Rope::kNone;
  } else if (contains(name, "dinov3") || contains(name, "lingbot")) {
    facts.rope = Rope::kDinoV3;
  }
}

/// The `img_size` that the name's own function asks for; none: the config's size, or the class's 224.
std::optional<Size> img_size_of(std::string_view name) {
  if (contains(name, "sapiens2")) return Size{.height = 1024, .width = 768};
  if (contains(name, "_radio_")) return Size{.height = 512, .width = 512};
  const std::string_view last = name.substr(name.rfind('_') + 1);
  int side = 0;
  if (std::from_chars(last.data(), last.data() + last.size(), side).ec != std::errc{}) return std::nullopt;
  const bool says_so =
      name.starts_with("eva02_") || contains(name, "_rope_reg") || (name.starts_with("beit") && side != 224);
  return says_so ? std::optional(Size{side, side}) : std::nullopt;
}

/// The `global_pool` that the name's own function asks for, or its class's default.
ReadOut read_out_of(std::string_view name, TimmClass model_class) {
  if (contains_any(name, kAverageNames) || model_class == TimmClass::kBeit) return ReadOut::kPatchMean;
  if (model_class == TimmClass::kVisionTransformerRelPos) {
    return contains(name, "_cls_") ? ReadOut::kClassToken : ReadOut::kPatchMean;
  }
  if (model_class == TimmClass::kEva) {
    if (contains(name, "pe_core")) return ReadOut::kAttentionPool;
    return contains_any(name, kTokenNames) ? ReadOut::kClassToken : ReadOut::kPatchMean;
  }
  if (name == "test_vit2" || name == "test_vit4") return ReadOut::kPatchMean;
  const bool pooled = contains(name, "_siglip_") || contains(name, "_map_") || name == "test_vit3";
  return pooled ? ReadOut::kAttentionPool : ReadOut::kClassToken;
}

}  // namespace

std::vector<std::string> timm_architecture_names() {
  std::vector<std::string> names;
  names.reserve(kRows.size());
  for (const Row& row : kRows) names.emplace_back(row.name);
  return names;
}

Architecture timm_architecture(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    Architecture architecture;
    architecture.name = row.name;
    architecture.image_size = {row.image_size, row.image_size};
    architecture.patch_size = row.patch_size;
    architecture.embed_dim = row.embed_dim;
    architecture.depth = row.depth;
    architecture.num_heads = row.num_heads;
    architecture.mlp_hidden_dim = 4 * row.embed_dim;
    architecture.num_classes = 1000;
    return architecture;
  }
  throw Error(ErrorCode::kUsage, fmt::format("architecture '{}' is unknown", name),
              did_you_mean(name, timm_architecture_names()));
}

TimmFacts timm_facts(std::string_view architecture) {
  architecture = architecture.substr(0, architecture.find('.'));  // without the tag of its weights
  TimmFacts facts;
  facts.model_class = class_of(architecture);
  facts.read_out = read_out_of(architecture, facts.model_class);
  facts.img_size = img_size_of(architecture);
  facts.dynamic_img_size = contains_any(architecture, kDynamicNames) || architecture == "test_vit" ||
                           architecture == "test_vit2" || architecture == "test_vit4";
  facts.embeds_prefix = !contains_any(architecture, kNoEmbedClassNames) || contains_any(architecture, kEmbedClassNames);
  facts.resamples_bilinear = contains(architecture, "flexi") || contains(architecture, "radio");
  for (const Row& row : kRows) {
    if (row.name == architecture) facts.num_heads = row.num_heads;
  }
  for (const auto& [beginning, heads] : kUnusualHeads) {
    if (!facts.num_heads && architecture.starts_with(beginning)) facts.num_heads = heads;
  }
  const bool usual_eps = std::any_of(kUsualEpsBeginnings.begin(), kUsualEpsBeginnings.end(),
                                     [&](std::string_view beginning) { return architecture.starts_with(beginning); });
  if (contains_any(architecture, kLargerEpsNames) && !usual_eps) facts.norm_eps = 1e-5F;
  facts.norm_after = contains_any(architecture, kNormAfterNames);
  if (contains(architecture, "quickgelu")) facts.activation = Activation::kQuickGelu;
  if (contains_any(architecture, kTanhNames)) facts.activation = Activation::kGeluTanh;
  const bool pe_core = contains(architecture, "vit_pe_core_");
  facts.pool_sees_prefix = architecture == "test_vit3" || pe_core;
  if (pe_core) facts.pool_num_heads = 8;
  name_rope(architecture, facts);
  return facts;
}

}  // namespace fovea
