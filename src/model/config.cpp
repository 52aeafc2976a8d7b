#include "model/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/files.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::array kInterpolations{
    std::pair{"nearest", Interpolation::kNearest},   std::pair{"box", Interpolation::kBox},
    std::pair{"bilinear", Interpolation::kBilinear}, std::pair{"hamming", Interpolation::kHamming},
    std::pair{"bicubic", Interpolation::kBicubic},   std::pair{"lanczos", Interpolation::kLanczos}};
constexpr std::array kCropModes{std::pair{"center", CropMode::kCenter}, std::pair{"squash", CropMode::kSquash},
                                std::pair{"border", CropMode::kBorder}};

constexpr const char* kHint = "correct the file, or take it from where the checkpoint came from";

/// The file's values, each read with a sentence for what is wrong with it.
class ConfigReader {
 public:
  explicit ConfigReader(const std::filesystem::path& path) : file_(printable(path)) {
    try {
      root_ = json::parse(read_text_file(path));
    } catch (const json::exception& error) {
      throw Error(ErrorCode::kCheckpoint, fmt::format("{}: the file is no JSON: {}", file_, to_utf8(error.what())),
                  kHint);
    }
    if (!root_.is_object()) fail("the file", fmt::format("a JSON {}", root_.type_name()), "an object");
  }

  [[noreturn]] void fail(std::string_view thing, std::string_view actual, std::string_view expected) const {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {} is {}, expected {}", file_, thing, actual, expected),
                kHint);
  }

  [[nodiscard]] const json& root() const { return root_; }

  /// The object under `key`, or an empty one.
  [[nodiscard]] json object(const json& parent, const char* key) const {
    const auto found = parent.find(key);
    if (found == parent.end() || found->is_null()) return json::object();
    if (!found->is_object()) fail(key, found->dump(), "an object");
    return *found;
  }

  [[nodiscard]] std::optional<std::string> text(const json& parent, const char* key) const {
    const auto found = parent.find(key);
    if (found == parent.end() || found->is_null()) return std::nullopt;
    if (!found->is_string()) fail(key, found->dump(), "a string");
    return found->get<std::string>();
  }

  [[nodiscard]] std::optional<std::size_t> count(const json& parent, const char* key) const {
    const auto found = parent.find(key);
    if (found == parent.end() || found->is_null()) return std::nullopt;
    return as_count(*found, key);
  }

  [[nodiscard]] std::size_t as_count(const json& value, const char* key) const {
    constexpr std::size_t kMost = 1'000'000;
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMost) {
      fail(key, value.dump(), fmt::format("a whole number up to {}", kMost));
    }
    return value.get<std::size_t>();
  }

  /// One of a table's names.
  template <typename Table>
  auto choice(const json& parent, const char* key, const Table& table,
              typename Table::value_type::second_type absent) const {
    const auto chosen = text(parent, key);
    if (!chosen) return absent;
    std::string known;
    for (const auto& [choice_name, value] : table) {
      if (*chosen == choice_name) return value;
      known += (known.empty() ? "" : ", ") + std::string(choice_name);
    }
    fail(key, fmt::format("'{}'", *chosen), "one of " + known);
  }

 private:
  std::string file_;
  json root_;
};

std::array<float, 3> read_rgb(const ConfigReader& reader, const json& cfg, const char* key,
                              const std::array<float, 3>& absent) {
  const auto found = cfg.find(key);
  if (found == cfg.end() || found->is_null()) return absent;
  const bool three = found->is_array() && found->size() == 3 &&
                     std::all_of(found->begin(), found->end(), [](const json& value) { return value.is_number(); });
  if (!three) reader.fail(key, found->dump(), "three numbers");
  std::array<float, 3> rgb{};
  // As the references: the decimal number to double, the double to float.
  for (std::size_t c = 0; c < 3; ++c) rgb[c] = static_cast<float>((*found)[c].get<double>());
  return rgb;
}

Size read_size(const ConfigReader& reader, const json& value, const char* key) {
  if (!value.is_array()) {
    const auto side = static_cast<int>(reader.as_count(value, key));
    return {side, side};
  }
  // [3, height, width] or [height, width]
  if (value.size() != 2 && value.size() != 3) reader.fail(key, value.dump(), "[3, height, width]");
  if (value.size() == 3 && reader.as_count(value[0], key) != 3) reader.fail(key, value.dump(), "three channels");
  return {static_cast<int>(reader.as_count(value[value.size() - 2], key)),
          static_cast<int>(reader.as_count(value[value.size() - 1], key))};
}

PreprocessRecipe read_recipe(const ConfigReader& reader, const json& cfg) {
  PreprocessRecipe recipe;
  // timm's own defaults (timm/data/config.py, constants.py): what a configuration leaves out.
  recipe.crop_pct = 0.875;
  recipe.mean = {0.485F, 0.456F, 0.406F};
  recipe.std = {0.229F, 0.224F, 0.225F};
  if (cfg.contains("input_size")) recipe.input_size = read_size(reader, cfg["input_size"], "input_size");
  if (const auto pct = cfg.find("crop_pct"); pct != cfg.end() && !pct->is_null()) {
    if (!pct->is_number() || !(pct->get<double>() > 0.0) || pct->get<double>() > 2.0) {
      reader.fail("crop_pct", pct->dump(), "a number above 0");
    }
    recipe.crop_pct = pct->get<double>();
  }
  recipe.interpolation = reader.choice(cfg, "interpolation", kInterpolations, recipe.interpolation);
  recipe.crop_mode = reader.choice(cfg, "crop_mode", kCropModes, recipe.crop_mode);
  recipe.mean = read_rgb(reader, cfg, "mean", recipe.mean);
  recipe.std = read_rgb(reader, cfg, "std", recipe.std);
  if (std::any_of(recipe.std.begin(), recipe.std.end(), [](float value) { return !(value > 0.0F); })) {
    reader.fail("std", cfg["std"].dump(), "three numbers above 0");
  }
  return recipe;
}

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
    config.recipe = read_recipe(reader, cfg);
    config.image_size = config.recipe->input_size;
    config.recipe_source =
        fmt::format("{} ({})", file.filename().string(), nested ? "pretrained_cfg" : "flat, as older timm wrote it");
  }
  if (model_args.contains("img_size")) config.image_size = read_size(reader, model_args["img_size"], "img_size");
  config.labels = read_labels(reader);
  return config;
}

}  // namespace fovea
