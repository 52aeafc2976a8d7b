// transformers' config.json: what from_pretrained() and its image classification pipeline make of it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "model/config/config.hpp"
#include "model/config/labels.hpp"
#include "model/keys/library_keys.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::array kHiddenActs{std::pair{"gelu", Activation::kGelu},
                                 std::pair{"gelu_new", Activation::kGeluTanh},
                                 std::pair{"gelu_pytorch_tanh", Activation::kGeluTanh},
                                 std::pair{"quick_gelu", Activation::kQuickGelu},
                                 std::pair{"silu", Activation::kSilu},
                                 std::pair{"swish", Activation::kSilu}};
/// A configuration class: its defaults for keys that a file leaves out.
struct ModelType {
  std::string_view name;
  float norm_eps;
  std::size_t num_heads = 12;
  bool resamples = false;  // in forward(); the others raise, unless they are asked to
};
/// The model types whose tensors fovea computes with. transformers' other classes have other blocks.
constexpr std::array kModelTypes{ModelType{"vit", 1e-12F},
                                 ModelType{"deit", 1e-12F},
                                 ModelType{"vit_msn", 1e-6F},
                                 ModelType{"ijepa", 1e-12F},
                                 ModelType{"dinov2", 1e-6F, 12, true},
                                 ModelType{"dinov2_with_registers", 1e-6F, 12, true},
                                 ModelType{"dinov3_vit", 1e-5F, 6, true},
                                 ModelType{"beit", 1e-12F, 12, true},
                                 ModelType{"data2vec-vision", 1e-12F, 12, true},
                                 ModelType{"clip", 1e-5F},
                                 ModelType{"clip_vision_model", 1e-5F},
                                 ModelType{"metaclip_2", 1e-5F},
                                 ModelType{"metaclip_2_vision_model", 1e-5F},
                                 ModelType{"siglip", 1e-6F},
                                 ModelType{"siglip_vision_model", 1e-6F},
                                 ModelType{"siglip2", 1e-6F, 12, true},
                                 ModelType{"siglip2_vision_model", 1e-6F, 12, true}};
/// id2label: {"0": "tench, Tinca tinca", ...}. "LABEL_7" means that class 7 has no name. Where num_labels is another
/// number, transformers forgets the names.
std::vector<ClassLabel> read_labels(const ConfigReader& reader) {
  const json names = reader.object(reader.root(), "id2label");
  if (reader.count(reader.root(), "num_labels").value_or(names.size()) != names.size()) return {};
  std::vector<ClassLabel> labels(names.size());
  for (std::size_t c = 0; c < labels.size(); ++c) {
    const std::string index = std::to_string(c);
    const auto found = names.find(index);
    if (found == names.end() || found->is_null()) {
      reader.fail("id2label", fmt::format("without an entry \"{}\"", c), "one for each class");
    }
    labels[c].description = found->is_number() ? found->dump() : *reader.text(names, index.c_str());
    if (*labels[c].description == "LABEL_" + index) labels[c].description.reset();
  }
  const bool named = std::any_of(labels.begin(), labels.end(), [](const ClassLabel& l) { return l.description; });
  return named ? labels : std::vector<ClassLabel>();
}

/// The rows of the head that transformers builds. Files of two classes may say nothing.
std::size_t count_labels(const ConfigReader& reader) {
  const json& root = reader.root();
  const auto names = root.find("id2label");
  if (const auto stated = reader.count(root, "num_labels")) return *stated;  // before the number of names
  if (names != root.end() && !names->is_null()) return names->size();
  return reader.count(root, "num_labels").value_or(2);
}

/// What its image classification pipeline makes of the logits.
enum class Problem { kOneLabel, kManyLabels, kRegression };
constexpr std::array kProblems{std::pair{"single_label_classification", Problem::kOneLabel},
                               std::pair{"multi_label_classification", Problem::kManyLabels},
                               std::pair{"regression", Problem::kRegression}};

/// The object with the vision tower's values: the root, if the model is nothing else.
json vision_of(const ConfigReader& reader, const std::string& type) {
  const json& root = reader.root();
  constexpr std::array kTwoTowers{"clip", "metaclip_2", "siglip", "siglip2"};
  const bool two_towers = std::find(kTwoTowers.begin(), kTwoTowers.end(), type) != kTwoTowers.end();
  check_keys(reader, root, "", {transformers_keys(type), transformers_common_keys()});
  if (!two_towers) return root;
  json vision;
  // If both are there, the second counts alone: keys that it lacks have the class's defaults.
  for (const char* key : {"vision_config", "vision_config_dict"}) {
    const json values = reader.object(root, key);
    check_keys(reader, values, std::string(key) + ".",
               {transformers_keys(type + "_vision_model"), transformers_common_keys()});
    if (vision.is_null() || !values.empty()) vision = values;
  }
  return vision;
}

const ModelType& type_of(const ConfigReader& reader) {
  const std::string type = reader.text(reader.root(), "model_type").value_or("");
  std::vector<std::string_view> known;
  for (const ModelType& one : kModelTypes) {
    if (one.name == type) return one;
    known.push_back(one.name);
  }
  reader.fail("model_type", fmt::format("'{}'", type), fmt::format("one of {}", fmt::join(known, ", ")));
}

/// The parts that BeitConfig and Data2VecVisionConfig switch on and off.
void read_beit_parts(const ConfigReader& reader, const json& root, ModelConfig& config) {
  const auto stated = [&](const char* key, Option option, bool absent) {
    config.parts.push_back({key, option, reader.flag(root, key).value_or(absent)});
    return config.parts.back().present;
  };
  const bool own = stated("use_relative_position_bias", Option::kBlockPositions, false);
  const bool shared = stated("use_shared_relative_position_bias", Option::kSharedPositions, false);
  stated("use_absolute_position_embeddings", Option::kPosEmbed, false);
  if (config.expects_head) stated("use_mean_pooling", Option::kFcNorm, true);
  const auto size =
      root.contains("image_size") ? std::optional(reader.as_size(root["image_size"], "image_size")) : std::nullopt;
  if (size && size->height != size->width && reader.flag(root, "use_absolute_position_embeddings").value_or(false)) {
    reader.fail("image_size", root["image_size"].dump(),
                "a square: transformers raises an error for others beside use_absolute_position_embeddings");
  }
  if (own && shared) {
    reader.fail("use_shared_relative_position_bias", "true",
                "false, where use_relative_position_bias is true: no sum of both is computed");
  }
}

/// The same of DINOv3ViTConfig, and its rotary embedding.
void read_dinov3_parts(const ConfigReader& reader, const json& root, ModelConfig& config) {
  for (const auto& [key, option, absent] : {std::tuple{"query_bias", Option::kQueryBias, true},
                                            {"key_bias", Option::kKeyBias, false},
                                            {"value_bias", Option::kValueBias, true},
                                            {"proj_bias", Option::kProjBias, true},
                                            {"mlp_bias", Option::kMlpBias, true},
                                            {"use_gated_mlp", Option::kGatedMlp, false}}) {
    config.parts.push_back({key, option, reader.flag(root, key).value_or(absent)});
  }
  const bool gated = config.parts.back().present;
  if (gated && config.activation.value_or(Activation::kGelu) != Activation::kSilu) {
    reader.fail("hidden_act", fmt::format("'{}'", reader.text(root, "hidden_act").value_or("gelu")),
                "'silu', where use_gated_mlp is true: no other gate is computed");
  }
  config.rope.temperature = reader.number(root, "rope_theta");
  if (config.rope.temperature && !(*config.rope.temperature > 0.0)) {
    reader.fail("rope_theta", root["rope_theta"].dump(), "a number above 0");
  }
}

}  // namespace

void read_problem(const ConfigReader& reader, ModelConfig& config) {
  const Problem problem = reader.choice(reader.root(), "problem_type", kProblems, Problem::kOneLabel);
  config.multi_label = problem == Problem::kManyLabels;
  config.regression = problem == Problem::kRegression;
  config.one_class_is_sigmoid = true;
}

ModelConfig read_transformers_config(const ConfigReader& reader) {
  const json& root = reader.root();
  const ModelType& model_type = type_of(reader);
  const std::string type(model_type.name);
  const json vision = vision_of(reader, type);
  ModelConfig config;
  const auto classes = root.find("architectures");
  if (classes != root.end() && classes->is_array() && !classes->empty() && classes->front().is_string()) {
    config.architecture = classes->front().get<std::string>();
  }
  config.expects_head = config.architecture.find("ForImageClassification") != std::string::npos;
  constexpr Size kClassDefaultSize{224, 224};  // of all these configurations
  config.num_heads = reader.count(vision, "num_attention_heads").value_or(model_type.num_heads);
  config.size_of_each_picture = type.starts_with("siglip2");
  if (!config.size_of_each_picture) {
    config.image_size =
        vision.contains("image_size") ? reader.as_size(vision["image_size"], "image_size") : kClassDefaultSize;
  }
  config.resamples_in_forward = model_type.resamples;
  if (type.starts_with("dinov2") && config.image_size->height != config.image_size->width) {
    reader.fail("image_size", vision["image_size"].dump(),
                "a square: transformers interpolates DINOv2's positions from one, and raises an error for others");
  }
  config.embed_dim = reader.count(vision, "hidden_size");
  config.depth = reader.count(vision, "num_hidden_layers");
  if (!type.starts_with("dinov2")) config.mlp_hidden_dim = reader.count(vision, "intermediate_size");
  config.num_register_tokens = reader.count(vision, "num_register_tokens");
  if (const auto bias = reader.flag(vision, "qkv_bias")) config.parts.push_back({"qkv_bias", Option::kQkvBias, *bias});
  config.norm_eps = model_type.norm_eps;
  if (const auto eps = reader.number(vision, "layer_norm_eps")) {
    if (!(*eps >= 0.0 && *eps <= 1.0)) reader.fail("layer_norm_eps", fmt::format("{}", *eps), "0 to 1");
    config.norm_eps = static_cast<float>(*eps);
  }
  if (reader.text(vision, "hidden_act")) {
    config.activation = reader.choice(vision, "hidden_act", kHiddenActs, Activation::kGelu);
  }
  if (type == "beit" || type == "data2vec-vision") read_beit_parts(reader, vision, config);
  if (type == "dinov3_vit") read_dinov3_parts(reader, vision, config);
  const bool both_towers = config.architecture == "SiglipModel" || config.architecture == "Siglip2Model";
  if (both_towers && !reader.flag(vision, "vision_use_head").value_or(true)) {
    reader.fail("vision_use_head", "false",
                fmt::format("true: transformers' {} raises an error without it", config.architecture));
  }
  const auto names = root.find("id2label");
  const bool no_classes = names != root.end() && names->is_object() && names->empty() && !root.contains("num_labels");
  if (config.expects_head && no_classes &&
      (type.starts_with("clip") || type.starts_with("metaclip") || type.starts_with("siglip"))) {
    reader.fail("id2label", "{}",
                "one entry for each class: without a head transformers gives the mean patch, not the tower's features");
  }
  const bool body_alone = !config.expects_head && !config.architecture.empty();
  if (body_alone) return config;  // a file that names no class may hold a head
  config.labels = read_labels(reader);
  config.num_classes = count_labels(reader);
  if (config.num_classes == 1 && reader.text(root, "problem_type") == "single_label_classification") {
    reader.fail("problem_type", "'single_label_classification'",
                "another for a model of one class: transformers raises an error for it");
  }
  read_problem(reader, config);
  return config;
}

}  // namespace fovea
