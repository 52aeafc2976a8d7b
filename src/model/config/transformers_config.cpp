// transformers' config.json: what from_pretrained() and its image classification pipeline make of it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/config/config.hpp"
#include "model/config/labels.hpp"
#include "model/keys/library_keys.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::array kActivations{std::pair{"gelu", Activation::kGelu},
                                  std::pair{"gelu_new", Activation::kGeluTanh},
                                  std::pair{"gelu_pytorch_tanh", Activation::kGeluTanh},
                                  std::pair{"quick_gelu", Activation::kQuickGelu},
                                  std::pair{"silu", Activation::kSilu},
                                  std::pair{"swish", Activation::kSilu}};
/// The model types whose tensors fovea computes with. transformers' other classes have other blocks.
constexpr std::array kModelTypes{"vit",
                                 "deit",
                                 "dinov2",
                                 "dinov2_with_registers",
                                 "beit",
                                 "clip",
                                 "clip_vision_model",
                                 "siglip",
                                 "siglip_vision_model"};
/// id2label: {"0": "tench, Tinca tinca", ...}. "LABEL_7" means that class 7 has no name.
std::vector<ClassLabel> read_labels(const ConfigReader& reader) {
  const json names = reader.object(reader.root(), "id2label");
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

/// What its image classification pipeline makes of the logits.
enum class Problem { kOneLabel, kManyLabels, kRegression };
constexpr std::array kProblems{std::pair{"single_label_classification", Problem::kOneLabel},
                               std::pair{"multi_label_classification", Problem::kManyLabels},
                               std::pair{"regression", Problem::kRegression}};

/// The object with the vision tower's values: the root, if the model is nothing else.
json vision_of(const ConfigReader& reader, const std::string& type) {
  const json& root = reader.root();
  const bool two_towers = type == "clip" || type == "siglip";
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

}  // namespace

void read_problem(const ConfigReader& reader, ModelConfig& config) {
  const Problem problem = reader.choice(reader.root(), "problem_type", kProblems, Problem::kOneLabel);
  config.multi_label = problem == Problem::kManyLabels;
  config.regression = problem == Problem::kRegression;
  config.one_class_is_sigmoid = true;
}

ModelConfig read_transformers_config(const ConfigReader& reader) {
  const json& root = reader.root();
  const std::string type = reader.text(root, "model_type").value_or("");
  if (std::find(kModelTypes.begin(), kModelTypes.end(), type) == kModelTypes.end()) {
    reader.fail("model_type", fmt::format("'{}'", type), fmt::format("one of {}", fmt::join(kModelTypes, ", ")));
  }
  const json vision = vision_of(reader, type);
  ModelConfig config;
  const auto classes = root.find("architectures");
  if (classes != root.end() && classes->is_array() && !classes->empty() && classes->front().is_string()) {
    config.architecture = classes->front().get<std::string>();
  }
  config.expects_head = config.architecture.find("ForImageClassification") != std::string::npos;
  constexpr std::size_t kClassDefaultHeads = 12;  // the default of all these configurations
  constexpr Size kClassDefaultSize{224, 224};
  config.num_heads = reader.count(vision, "num_attention_heads").value_or(kClassDefaultHeads);
  config.image_size =
      vision.contains("image_size") ? reader.as_size(vision["image_size"], "image_size") : kClassDefaultSize;
  config.resamples_in_forward = type.starts_with("dinov2") || type == "beit";  // the others raise, unless asked to
  config.embed_dim = reader.count(vision, "hidden_size");
  config.depth = reader.count(vision, "num_hidden_layers");
  if (!type.starts_with("dinov2")) config.mlp_hidden_dim = reader.count(vision, "intermediate_size");
  config.qkv_bias = reader.flag(vision, "qkv_bias");
  if (const auto eps = reader.number(vision, "layer_norm_eps")) {
    if (!(*eps >= 0.0 && *eps <= 1.0)) reader.fail("layer_norm_eps", fmt::format("{}", *eps), "0 to 1");
    config.norm_eps = static_cast<float>(*eps);
  }
  if (reader.text(vision, "hidden_act")) {
    config.activation = reader.choice(vision, "hidden_act", kActivations, Activation::kGelu);
  }
  if (!config.expects_head) return config;
  config.labels = read_labels(reader);
  read_problem(reader, config);
  return config;
}

}  // namespace fovea
