#include "model/config/config_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "base/files.hpp"
#include "base/open_file.hpp"
#include "fovea/error.hpp"
#include "fovea/precision.hpp"
#include "model/learned/learned_file.hpp"
#include "model/quantize/cascade.hpp"
#include "model/quantize/quantized_file.hpp"

namespace fovea {

namespace fs = std::filesystem;

std::optional<Precision> quantized_precision(const Checkpoint& checkpoint, std::string_view file) {
  const auto texts = checkpoint.metadata();
  const auto found = texts.find(std::string(kQuantizedKey));
  if (found == texts.end()) return std::nullopt;
  for (const Precision precision : {Precision::kInt8, Precision::kBf16}) {
    if (found->second == name(precision)) return precision;
  }
  throw Error(ErrorCode::kCheckpoint,
              fmt::format("{}: {} is '{}', expected int8 or bf16", file, kQuantizedKey, found->second),
              "the file may come from a later version: run `fovea quantize` again on the model's original checkpoint");
}

ConfigFiles::ConfigFiles(const fs::path& model) : model_(model) {
  std::error_code ignored;
  folder_ = fs::is_directory(model, ignored) ? model : model.parent_path();
  if (model.extension() == ".safetensors" && fs::is_regular_file(model, ignored)) take(*open_checkpoint(model));
}

ConfigFiles::ConfigFiles(const fs::path& model, const Checkpoint& checkpoint) : model_(model) {
  std::error_code ignored;
  folder_ = fs::is_directory(model, ignored) ? model : model.parent_path();
  take(checkpoint);
}

void ConfigFiles::take(const Checkpoint& checkpoint) {
  texts_ = checkpoint.metadata();
  inside_ = texts_.contains(std::string(kQuantizedKey)) || texts_.contains(std::string(kLearnedKey)) ||
            texts_.contains(std::string(kCascadeKeys));
}

std::optional<std::string> ConfigFiles::text(const std::string& name) const {
  if (inside_) {
    const auto found = texts_.find(name);
    return found == texts_.end() ? std::nullopt : std::optional(found->second);
  }
  const fs::path file = folder_ / name;
  return is_there(file) ? std::optional(read_text_file(file)) : std::nullopt;
}

std::optional<ConfigReader> ConfigFiles::reader(const std::string& name) const {
  const auto json = text(name);
  if (!json) return std::nullopt;
  const std::string shown = inside_ ? fmt::format("{} in {}", name, printable(model_)) : printable(folder_ / name);
  std::optional<ConfigReader> reader(std::in_place, shown, name, *json);
  for (const std::string& key : ignored_) reader->forget(key);
  return reader;
}

std::string ConfigFiles::network() const {
  const std::string usual = "config.json";
  const std::string open_clip = "open_clip_config.json";
  const bool named_by_open_clip = model_.filename().native().starts_with("open_clip_");
  return text(open_clip) && (named_by_open_clip || !text(usual)) ? open_clip : usual;
}

void ConfigFiles::ignore(std::span<const std::string> dotted) {
  for (const std::string& key : dotted) {
    const bool known = std::any_of(kConfigFiles.begin(), kConfigFiles.end(), [&](const char* file) {
      auto found = reader(file);
      return found && found->forget(key);
    });
    if (!known) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("--ignore-config is '{}', which no config file of {} has", key, printable(model_)),
                  "keys within objects are dotted: model_args.rope_offset");
    }
  }
  ignored_.assign(dotted.begin(), dotted.end());
}

std::map<std::string, std::string> ConfigFiles::carried() const {
  std::map<std::string, std::string> texts{{"format", "pt"}};
  for (const auto& [key, text] : texts_) {
    if (key.starts_with("fovea.") && !key.starts_with(kCascadeKeys)) texts[key] = text;
  }
  for (const std::string config : kConfigFiles) {
    if (config == "config.json" && network() != config) continue;  // of the same model for another library
    if (const auto found = text(config)) texts[config] = *found;
  }
  return texts;
}

fs::path ConfigFiles::path(const std::string& name) const {
  return inside_ ? fs::path() : folder_ / name;
}

}  // namespace fovea
