// timm's config.json: what create_model("local-dir:FOLDER") makes of it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.hpp"
#include "model/config/config.hpp"
#include "model/config/labels.hpp"
#include "model/config/timm_args.hpp"
#include "model/keys/library_keys.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::array kActivations{std::pair{"gelu", Activation::kGelu}, std::pair{"gelu_tanh", Activation::kGeluTanh},
                                  std::pair{"quick_gelu", Activation::kQuickGelu}, std::pair{"silu", Activation::kSilu},
                                  std::pair{"swish", Activation::kSilu}};
constexpr std::array kPools{std::pair{"token", ReadOut::kClassToken}, std::pair{"avg", ReadOut::kPatchMean},
                            std::pair{"map", ReadOut::kAttentionPool}};
constexpr std::array kRopes{std::pair{"cat", Rope::kEva02}, std::pair{"dinov3", Rope::kDinoV3},
                            std::pair{"mixed", Rope::kMixed}};
/// Whether it is an RMSNorm. timm writes them with and without underscores.
constexpr std::array kNorms{std::pair{"layernorm", false},  std::pair{"layernormfp32", false},
                            std::pair{"layer_norm", false}, std::pair{"rmsnorm", true},
                            std::pair{"rms_norm", true},    std::pair{"rmsnormfp32", true}};
constexpr std::array kAxisOrders{std::pair{"ij", false}, std::pair{"xy", true}};

std::string_view pool_name(ReadOut read_out) {
  const auto* const found =
      std::find_if(kPools.begin(), kPools.end(), [&](const auto& pool) { return pool.second == read_out; });
  return found == kPools.end() ? "" : found->first;
}

/// @param nested  whether there is a pretrained_cfg; without one its keys stand at the root
void check_all_keys(const ConfigReader& reader, const json& args, TimmClass model_class, bool nested) {
  using Table = std::span<const KeyRule>;
  const bool wrapped = is_timm_wrapper(reader);
  // As before timm 0.9, which wrote neither of the two: timm takes them for fields of its PretrainedCfg.
  for (const char* key : {"model_args", "global_pool"}) {
    if (nested || wrapped || !reader.root().contains(key)) continue;
    reader.fail(key, "in a file without pretrained_cfg", "beside one: timm raises an error for it");
  }
  check_keys(reader, reader.root(), "",
             {timm_root_keys(), nested ? Table() : timm_pretrained_cfg_keys(),
              wrapped ? transformers_keys("timm_wrapper") : Table(), wrapped ? transformers_common_keys() : Table()});
  if (nested) check_keys(reader, timm_pretrained_cfg(reader), "pretrained_cfg.", {timm_pretrained_cfg_keys()});
  check_keys(reader, args, "model_args.", {timm_common_args(), timm_args(model_class)});
}

/// A name may be a number, as of digits.
std::string name_of(const ConfigReader& reader, const json& entry) {
  if (entry.is_string()) return entry.get<std::string>();
  if (!entry.is_number()) reader.fail("an entry of label_names", entry.dump(), "a string");
  return entry.dump();
}

ClassLabel label_of(const ConfigReader& reader, const json& entry, const json& descriptions) {
  if (entry.is_null()) return {};
  const std::string name = name_of(reader, entry);
  ClassLabel label;
  label.description = reader.text(descriptions, name.c_str()).value_or(name);
  if (is_synset(name)) label.synset = name;
  return label;
}

/// label_names: ["n01440764", ...], or {"0": "n01440764", ...} with gaps where classes have no name. At the root, or
/// where timm puts them when it saves a model that it has loaded; "labels" in files of before timm 0.9.
void read_labels(const ConfigReader& reader, const json& cfg, ModelConfig& config) {
  const json* names = nullptr;
  for (const auto& [place, key] :
       {std::pair{&reader.root(), "label_names"}, {&cfg, "label_names"}, {&reader.root(), "labels"}}) {
    const auto found = place->find(key);
    if (names == nullptr && found != place->end() && !found->is_null()) names = &*found;
  }
  if (names == nullptr) return;
  json descriptions = reader.object(reader.root(), "label_descriptions");
  if (descriptions.empty()) descriptions = reader.object(cfg, "label_descriptions");
  if (names->is_array()) {
    for (const json& entry : *names) config.labels.push_back(label_of(reader, entry, descriptions));
    return;
  }
  if (!names->is_object()) reader.fail("label_names", fmt::format("a JSON {}", names->type_name()), "an array");
  config.labels_have_gaps = true;
  for (const auto& [index, entry] : names->items()) {
    const auto c = class_index(index);
    if (!c) reader.fail("a key of label_names", fmt::format("'{}'", to_utf8(index)), "the index of a class");
    if (*c >= config.labels.size()) config.labels.resize(*c + 1);
    config.labels[*c] = label_of(reader, entry, descriptions);
  }
}

/// model_args, or else what the name means. The root's global_pool is what timm found when it saved the model: it reads
/// it nowhere.
ReadOut read_pool(const ConfigReader& reader, const json& args, const ModelConfig& config, const TimmFacts& facts) {
  const auto stated = reader.text(reader.root(), "global_pool");
  if (reader.text(args, "global_pool")) return reader.choice(args, "global_pool", kPools, facts.read_out);
  if (config.architecture.empty()) return reader.choice(reader.root(), "global_pool", kPools, facts.read_out);
  if (stated && !stated->empty() && *stated != pool_name(facts.read_out)) {
    reader.fail("global_pool", fmt::format("'{}'", *stated),
                fmt::format("'{}', with which timm builds {}: it reads model_args.global_pool alone",
                            pool_name(facts.read_out), config.architecture));
  }
  return facts.read_out;
}

std::optional<double> number_above(const ConfigReader& reader, const json& args, const char* key, double least) {
  const auto value = reader.number(args, key);
  if (value && !(*value > least)) reader.fail(key, args[key].dump(), fmt::format("a number above {}", least));
  return value;
}

RopeConfig read_rope(const ConfigReader& reader, const json& args, const ModelConfig& config, const TimmFacts& facts) {
  RopeConfig rope;
  rope.used = reader.flag(args, "use_rot_pos_emb");
  rope.named = facts.rope;
  rope.named_settings = facts.rope_settings;
  if (reader.text(args, "rope_type")) rope.kind = reader.choice(args, "rope_type", kRopes, Rope::kEva02);
  rope.temperature = number_above(reader, args, "rope_temperature", 0.0);
  rope.grid_offset = reader.number(args, "rope_grid_offset");
  if (reader.text(args, "rope_grid_indexing")) {
    rope.x_first = reader.choice(args, "rope_grid_indexing", kAxisOrders, false);
  }
  rope.rotate_half = reader.flag(args, "rope_rotate_half");
  rope.scaled = !config.architecture.starts_with("eva_");  // the first EVA has no such shape
  if (args.contains("ref_feat_shape") && args["ref_feat_shape"].is_null()) {
    rope.scaled = false;
  } else if (args.contains("ref_feat_shape")) {
    const Size grid = reader.as_size(args["ref_feat_shape"], "ref_feat_shape");
    rope.reference = PatchGrid{static_cast<std::size_t>(grid.height), static_cast<std::size_t>(grid.width)};
  }
  return rope;
}

/// A norm that is named takes its class's eps, not that which the architecture's name means.
void read_norm(const ConfigReader& reader, const json& args, const TimmFacts& facts, ModelConfig& config) {
  if (args.contains("norm_layer") && config.architecture.starts_with("aimv2_")) {
    reader.fail("norm_layer", args["norm_layer"].dump(), "none: the norm of the embedding keeps an eps of its own");
  }
  config.norm_eps = args.contains("norm_layer") ? 1e-6F : facts.norm_eps;
  const auto norm = reader.text(args, "norm_layer");
  if (args.contains("norm_layer") && norm.value_or("").empty()) config.rms_norm = false;  // the class's own
  if (!norm || norm->empty()) return;
  config.rms_norm = reader.choice(json{{"norm_layer", to_lower(*norm)}}, "norm_layer", kNorms, false);
}

std::optional<Size> size_in(const ConfigReader& reader, const json& parent, const char* key) {
  if (!parent.contains(key) || parent[key].is_null()) return std::nullopt;
  return reader.as_size(parent[key], key);
}

}  // namespace

json timm_pretrained_cfg(const ConfigReader& reader) {
  return reader.root().contains("pretrained_cfg") ? reader.object(reader.root(), "pretrained_cfg") : reader.root();
}

TimmSizes timm_sizes(const ConfigReader& reader, bool test_size) {
  const json cfg = timm_pretrained_cfg(reader);
  const TimmFacts facts = timm_facts(reader.text(reader.root(), "architecture").value_or(""));
  const json args = timm_model_args(reader, facts.model_class);
  const auto first_of = [](const std::optional<Size>& a, const std::optional<Size>& b) { return a ? a : b; };
  const auto own_size = size_in(reader, args, "img_size");
  const auto img_size = first_of(own_size, facts.img_size);
  const auto tested = test_size ? size_in(reader, cfg, "test_input_size") : std::nullopt;
  const auto input_size = tested ? tested : size_in(reader, cfg, "input_size");
  const char* const key = tested ? "pretrained_cfg.test_input_size" : "pretrained_cfg.input_size";
  if (!tested && cfg.contains("input_size") && cfg["input_size"].is_null()) {
    reader.fail(key, "null", "a size, or no key: timm raises an error for a null");
  }
  const bool dynamic = reader.flag(args, "dynamic_img_size").value_or(facts.dynamic_img_size);
  const bool asked_dynamic = reader.flag(args, "dynamic_img_size").value_or(false);
  const bool fixed = reader.flag(cfg, "fixed_input_size").value_or(false) && !asked_dynamic;
  const bool wrapped = is_timm_wrapper(reader);
  if (fixed && img_size && !input_size && !wrapped) {
    reader.fail("pretrained_cfg.input_size", "absent", "a size: timm raises an error beside model_args.img_size");
  }
  // A size in model_args is fed, too; one that the name's own function passes on is only built for.
  if (fixed && !tested && !wrapped && (own_size || !facts.img_size)) {
    return {first_of(own_size, input_size), first_of(own_size, input_size)};
  }
  constexpr Size kClassDefault{224, 224};  // what the constructor builds for where nothing says a size
  // transformers' TimmModel is built for the size of the name's own config. Without a name there is no constructor.
  const bool of_name = !dynamic && (wrapped || !reader.root().contains("architecture"));
  const bool of_input = of_name || reader.flag(cfg, "fixed_input_size").value_or(false);
  const auto of_config = of_input ? size_in(reader, cfg, "input_size") : std::nullopt;
  const auto of_class = of_input && !dynamic ? std::nullopt : std::optional(kClassDefault);
  const auto built = first_of(img_size, first_of(of_config, of_class));
  if (!dynamic && built && input_size && *built != *input_size) {
    reader.fail(key, fmt::format("{}x{}", input_size->height, input_size->width),
                fmt::format("{}x{}, the size that the model is built for: without fixed_input_size or dynamic_img_size "
                            "timm takes no other",
                            built->height, built->width));
  }
  return {first_of(built, input_size), first_of(input_size, built)};
}

ModelConfig read_timm_config(const ConfigReader& reader, bool test_size) {
  const json& root = reader.root();
  const json cfg = timm_pretrained_cfg(reader);
  ModelConfig config;
  config.architecture = reader.text(root, "architecture").value_or("");
  if (config.architecture.starts_with("naflexvit")) {
    reader.fail("architecture", fmt::format("'{}'", config.architecture),
                "a model of another class: timm's NaFlexVit, with a grid for each picture, is not computed");
  }
  const TimmFacts facts = timm_facts(config.architecture);
  const json args = timm_model_args(reader, facts.model_class);
  check_all_keys(reader, args, facts.model_class, root.contains("pretrained_cfg"));
  config.num_heads = reader.count(args, "num_heads");
  if (!config.num_heads) config.num_heads = facts.num_heads;
  if (!reader.count(root, "num_classes") && !reader.count(cfg, "num_classes") && reader.text(cfg, "classifier") &&
      root.contains("pretrained_cfg") && !is_timm_wrapper(reader)) {
    reader.fail("num_classes", "missing", "a number: timm raises an error beside pretrained_cfg.classifier");
  }
  for (const json* place : {&args, &root, &cfg}) {
    if (!config.num_classes) config.num_classes = reader.count(*place, "num_classes");
  }
  config.expects_head = config.num_classes.value_or(0) > 0;
  config.embed_dim = reader.count(args, "embed_dim");
  config.depth = reader.count(args, "depth");
  read_norm(reader, args, facts, config);
  const bool own_activation = args.contains("act_layer");  // null, too, puts the class's own in place of the name's
  config.activation =
      reader.choice(args, "act_layer", kActivations, own_activation ? Activation::kGelu : facts.activation);
  if (own_activation) config.given_activation = config.activation;
  config.read_out = read_pool(reader, args, config, facts);
  config.pool_sees_prefix = reader.flag(args, "pool_include_prefix").value_or(facts.pool_sees_prefix);
  config.rotates = facts.model_class == TimmClass::kEva;
  if (config.rotates) config.pool_sees_prefix = config.read_out == ReadOut::kAttentionPool;
  const bool own_pool_heads = args.contains("attn_pool_num_heads");  // null, too: as many as the blocks
  config.pool_num_heads = reader.count(args, "attn_pool_num_heads").value_or(own_pool_heads ? 0 : facts.pool_num_heads);
  config.norm_after = reader.flag(args, "use_post_norm").value_or(facts.norm_after);
  config.rope = read_rope(reader, args, config, facts);
  state_timm_roles(reader, args, config);
  config.takes_any_size = reader.flag(args, "dynamic_img_size").value_or(facts.dynamic_img_size);
  const TimmSizes sizes = timm_sizes(reader, test_size);
  config.image_size = sizes.built;
  config.input_size = sizes.fed;
  config.resamples_on_load = !facts.resamples_bilinear;
  const bool embeds_prefix = !reader.flag(args, "no_embed_class").value_or(!facts.embeds_prefix);
  if (!config.architecture.empty()) config.embeds_prefix = embeds_prefix;  // without a name timm builds nothing
  if (config.architecture.find("distilled") != std::string::npos) {
    if (!embeds_prefix) reader.fail("no_embed_class", "true", "false: timm's distilled models raise an error for it");
    if (reader.flag(args, "fc_norm").value_or(false)) {
      reader.fail("model_args.fc_norm", "true", "false: timm's distilled models have such a norm and do not apply it");
    }
  }
  config.resamples_in_forward = true;  // timm_sizes has seen to it that it does where they differ
  read_labels(reader, cfg, config);
  if (const auto patch = size_in(reader, args, "patch_size")) config.patch_size = patch->height;
  return config;
}

ModelConfig read_timm_wrapper_config(const ConfigReader& reader, bool test_size) {
  ModelConfig config = read_timm_config(reader, test_size);
  config.resamples_on_load = false;  // transformers loads the weights, not timm
  const json classes = reader.root().value("architectures", json::array());
  config.expects_head = classes.is_array() && !classes.empty() && classes[0] == "TimmWrapperForImageClassification";
  read_problem(reader, config);
  for (std::size_t c = 0; c < config.labels.size(); ++c) {  // as transformers calls classes without a name
    if (config.labels[c].description == fmt::format("LABEL_{}", c)) config.labels[c] = {};
  }
  return config;
}

}  // namespace fovea
