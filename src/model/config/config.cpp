#include "model/config/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "fovea/error.hpp"
#include "model/config/labels.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::array kTimmActivations{std::pair{"gelu", Activation::kGelu},
                                      std::pair{"gelu_tanh", Activation::kGeluTanh},
                                      std::pair{"quick_gelu", Activation::kQuickGelu},
                                      std::pair{"silu", Activation::kSilu}, std::pair{"swish", Activation::kSilu}};
constexpr std::array kTransformersActivations{std::pair{"gelu", Activation::kGelu},
                                              std::pair{"gelu_new", Activation::kGeluTanh},
                                              std::pair{"gelu_pytorch_tanh", Activation::kGeluTanh},
                                              std::pair{"quick_gelu", Activation::kQuickGelu},
                                              std::pair{"silu", Activation::kSilu},
                                              std::pair{"swish", Activation::kSilu}};
constexpr std::array kTimmPools{std::pair{"token", ReadOut::kClassToken}, std::pair{"avg", ReadOut::kPatchMean},
                                std::pair{"map", ReadOut::kAttentionPool}};
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

std::vector<ClassLabel> read_timm_labels(const ConfigReader& reader) {
  const auto names = reader.root().find("label_names");
  if (names == reader.root().end() || names->is_null()) return {};
  if (!names->is_array()) reader.fail("label_names", fmt::format("a JSON {}", names->type_name()), "an array");
  const json descriptions = reader.object(reader.root(), "label_descriptions");
  std::vector<ClassLabel> labels;
  labels.reserve(names->size());
  for (const json& entry : *names) {
    if (!entry.is_string()) reader.fail("an entry of label_names", entry.dump(), "a string");
    const auto label_name = entry.get<std::string>();
    ClassLabel label;
    label.description = reader.text(descriptions, label_name.c_str()).value_or(label_name);
    if (is_synset(label_name)) label.synset = label_name;
    labels.push_back(std::move(label));
  }
  return labels;
}

/// transformers' id2label: {"0": "tench, Tinca tinca", ...}. "LABEL_7" means that class 7 has no name.
std::vector<ClassLabel> read_transformers_labels(const ConfigReader& reader) {
  const json names = reader.object(reader.root(), "id2label");
  std::vector<ClassLabel> labels(names.size());
  for (std::size_t c = 0; c < labels.size(); ++c) {
    const std::string index = std::to_string(c);
    labels[c].description = reader.text(names, index.c_str());
    if (!labels[c].description)
      reader.fail("id2label", fmt::format("without an entry \"{}\"", c), "one for each class");
    if (*labels[c].description == "LABEL_" + index) labels[c].description.reset();
  }
  const bool named = std::any_of(labels.begin(), labels.end(), [](const ClassLabel& l) { return l.description; });
  return named ? labels : std::vector<ClassLabel>();
}

/// Refuses blocks or layers other than timm's own, which would be computed wrongly without a warning.
void refuse_unsupported(const ConfigReader& reader, const json& model_args, const std::string& architecture) {
  for (const char* key : {"block_fn", "mlp_layer", "embed_layer", "attn_layer"}) {
    if (const auto found = model_args.find(key); found != model_args.end() && !found->is_null()) {
      reader.fail(key, found->dump(), "timm's default");
    }
  }
  if (!timm_facts(architecture).supported) {
    reader.fail("architecture", fmt::format("'{}'", architecture),
                "a ViT, DeiT, BEiT, EVA-02 or DINOv3 of timm with norms before the sub-layers");
  }
}

ModelConfig read_timm(const ConfigReader& reader) {
  const json& root = reader.root();
  const json model_args = reader.object(root, "model_args");
  const json cfg = root.contains("pretrained_cfg") ? reader.object(root, "pretrained_cfg") : root;
  ModelConfig config;
  config.architecture = reader.text(root, "architecture").value_or("");
  refuse_unsupported(reader, model_args, config.architecture);
  const TimmFacts facts = timm_facts(config.architecture);
  config.num_heads = reader.count(model_args, "num_heads");
  if (!config.num_heads) config.num_heads = facts.num_heads;
  config.num_classes = reader.count(root, "num_classes");
  if (!config.num_classes) config.num_classes = reader.count(cfg, "num_classes");
  config.expects_head = config.num_classes.value_or(0) > 0;
  config.norm_eps = facts.norm_eps;
  config.activation = reader.choice(model_args, "act_layer", kTimmActivations, facts.activation);
  for (const json* place : {&root, &std::as_const(model_args)}) {
    const auto pool = reader.text(*place, "global_pool");
    if (pool) config.read_out = reader.choice(*place, "global_pool", kTimmPools, ReadOut::kClassToken);
  }
  config.pool_sees_prefix = facts.pool_sees_prefix;
  config.rope = facts.rope;
  if (cfg.contains("input_size")) config.image_size = reader.as_size(cfg["input_size"], "input_size");
  if (model_args.contains("img_size")) config.image_size = reader.as_size(model_args["img_size"], "img_size");
  config.labels = read_timm_labels(reader);
  return config;
}

ModelConfig read_transformers(const ConfigReader& reader) {
  const json& root = reader.root();
  const std::string type = reader.text(root, "model_type").value_or("");
  if (std::find(kModelTypes.begin(), kModelTypes.end(), type) == kModelTypes.end()) {
    reader.fail("model_type", fmt::format("'{}'", type), fmt::format("one of {}", fmt::join(kModelTypes, ", ")));
  }
  const json vision = root.contains("vision_config") ? reader.object(root, "vision_config") : root;
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
  if (const auto eps = reader.number(vision, "layer_norm_eps")) {
    if (!(*eps >= 0.0 && *eps <= 1.0)) reader.fail("layer_norm_eps", fmt::format("{}", *eps), "0 to 1");
    config.norm_eps = static_cast<float>(*eps);
  }
  if (reader.text(vision, "hidden_act")) {
    config.activation = reader.choice(vision, "hidden_act", kTransformersActivations, Activation::kGelu);
  }
  if (!config.expects_head) return config;
  config.labels = read_transformers_labels(reader);
  const auto problem = reader.text(root, "problem_type");
  config.multi_label = problem == "multi_label_classification" || config.labels.size() == 1;
  return config;
}

}  // namespace

ModelConfig read_model_config(const ConfigReader& reader) {
  return reader.root().contains("model_type") ? read_transformers(reader) : read_timm(reader);
}

}  // namespace fovea
