#include "model/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "fovea/error.hpp"
#include "model/config_reader.hpp"
#include "model/recipe.hpp"

namespace fovea {
namespace {

using nlohmann::json;

/// WordNet's ids: "n" and eight digits.
bool is_synset(std::string_view text) {
  return text.size() == 9 && text[0] == 'n' &&
         std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<ClassLabel> read_labels(const ConfigReader& reader) {
  const auto names = reader.root().find("label_names");
  if (names == reader.root().end() || names->is_null()) return {};
  if (!names->is_array()) reader.fail("label_names", fmt::format("a JSON {}", names->type_name()), "an array");
  const json descriptions = reader.object(reader.root(), "label_descriptions");
  std::vector<ClassLabel> labels;
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

/// A plain ViT has these; anything else would be computed wrongly without a word.
void refuse_unsupported(const ConfigReader& reader, const json& model_args) {
  const auto expect = [&](const json& parent, const char* key, std::string_view wanted) {
    const auto value = reader.text(parent, key);
    if (value && *value != wanted) reader.fail(key, fmt::format("'{}'", *value), fmt::format("'{}'", wanted));
  };
  expect(reader.root(), "global_pool", "token");
  expect(model_args, "global_pool", "token");
  expect(model_args, "act_layer", "gelu");
  for (const char* key : {"norm_layer", "block_fn", "mlp_layer", "embed_layer"}) {
    if (const auto found = model_args.find(key); found != model_args.end() && !found->is_null()) {
      reader.fail(key, found->dump(), "timm's default");
    }
  }
}

}  // namespace

ModelConfig read_timm_config(const std::filesystem::path& file) {
  const ConfigReader reader(file);
  const json& root = reader.root();
  const json model_args = reader.object(root, "model_args");
  const bool nested = root.contains("pretrained_cfg");
  const json cfg = nested ? reader.object(root, "pretrained_cfg") : root;
  refuse_unsupported(reader, model_args);

  ModelConfig config;
  config.architecture = reader.text(root, "architecture").value_or("");
  config.num_heads = reader.count(model_args, "num_heads");
  config.num_classes = reader.count(root, "num_classes");
  if (!config.num_classes) config.num_classes = reader.count(cfg, "num_classes");
  if (cfg.contains("input_size")) {
    config.recipe = read_timm_recipe(reader, cfg);
    config.image_size = config.recipe->input_size;
    config.recipe_source =
        fmt::format("{} ({})", file.filename().string(), nested ? "pretrained_cfg" : "flat, as older timm wrote it");
  }
  if (model_args.contains("img_size")) config.image_size = reader.as_size(model_args["img_size"], "img_size");
  config.labels = read_labels(reader);
  return config;
}

}  // namespace fovea
