#include "model/learned/learned_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "fovea/error.hpp"
#include "model/config/config_reader.hpp"
#include "model/config/labels.hpp"
#include "model/keys/config_keys.hpp"
#include "model/keys/library_keys.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::array kReadOuts{
    std::pair{"class_token", ReadOut::kClassToken}, std::pair{"class_and_dist_token", ReadOut::kClassAndDistToken},
    std::pair{"patch_mean", ReadOut::kPatchMean}, std::pair{"class_and_patch_mean", ReadOut::kClassAndPatchMean},
    std::pair{"attention_pool", ReadOut::kAttentionPool}};
constexpr std::array kRules{std::pair{"energy", UnknownRule::By::kEnergy},
                            std::pair{"distance", UnknownRule::By::kDistance}};
constexpr const char* kHint = "the file is damaged, or of a later version: `fovea learn` writes it anew";

std::optional<std::string> text_of(const Checkpoint& checkpoint, std::string_view key) {
  const auto texts = checkpoint.metadata();
  const auto found = texts.find(std::string(key));
  return found == texts.end() ? std::nullopt : std::optional(found->second);
}

/// A JSON object of the metadata, whose keys are all known.
std::optional<ConfigReader> object_of(const Checkpoint& checkpoint, std::string_view key, const std::string& file,
                                      std::span<const KeyRule> keys) {
  const auto text = text_of(checkpoint, key);
  if (!text) return std::nullopt;
  std::optional<ConfigReader> reader(std::in_place, fmt::format("{} in {}", key, file), std::string(key), *text);
  check_keys(*reader, reader->root(), fmt::format("{}.", key), {keys});
  return reader;
}

/// @param shape  [rows, cols]; a size of 0 may be any
std::vector<float> tensor_of(const Checkpoint& checkpoint, std::string_view name, std::size_t rows, std::size_t cols,
                             const std::string& file) {
  const TensorView* tensor = checkpoint.find(name);
  const auto fits = [](std::size_t stored, std::size_t expected) { return expected == 0 || stored == expected; };
  if (tensor == nullptr || tensor->shape.size() != 2 || !fits(tensor->shape[0], rows) ||
      !fits(tensor->shape[1], cols) || tensor->numel() == 0) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: tensor '{}' is {}, expected [{}, {}]", file, name,
                            tensor == nullptr ? "missing" : shape_text(tensor->shape),
                            rows == 0 ? "any" : std::to_string(rows), cols == 0 ? "any" : std::to_string(cols)),
                kHint);
  }
  return to_float(*tensor);
}

}  // namespace

ClassLabel class_of_name(const std::string& name) {
  ClassLabel label{name, std::nullopt};
  if (is_synset(name)) label.synset = name;
  return label;
}

std::optional<LearnedClasses> learned_classes(const Checkpoint& checkpoint, const std::string& file) {
  const auto reader = object_of(checkpoint, kLearnedKey, file, fovea_learned_keys());
  if (!reader) return std::nullopt;
  LearnedClasses learned;
  const json names = reader->root().value("classes", json());
  if (!names.is_array() || names.empty()) reader->fail("classes", names.dump(), "an array of names");
  for (const json& name : names) {
    if (!name.is_string()) reader->fail("an entry of classes", name.dump(), "a string");
    learned.labels.push_back(class_of_name(name.get<std::string>()));
  }
  if (!reader->text(reader->root(), "read_out")) reader->fail("read_out", "missing", "what the head reads");
  learned.read_out = reader->choice(reader->root(), "read_out", kReadOuts, ReadOut::kClassToken);
  learned.read_out_blocks = std::max<std::size_t>(reader->count(reader->root(), "read_out_blocks").value_or(1), 1);
  return learned;
}

double learned_temperature(const Checkpoint& checkpoint, const std::string& file) {
  const auto text = text_of(checkpoint, kTemperatureKey);
  if (!text) return 1;
  double value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error == std::errc() && end == text->data() + text->size() && std::isfinite(value) && value > 0) return value;
  throw Error(ErrorCode::kCheckpoint,
              fmt::format("{}: {} is '{}', expected a number above 0", file, kTemperatureKey, *text), kHint);
}

std::optional<UnknownRule> unknown_rule(const Checkpoint& checkpoint, const Architecture& architecture,
                                        const std::string& file) {
  const auto reader = object_of(checkpoint, kUnknownKey, file, fovea_unknown_keys());
  if (!reader) return std::nullopt;
  UnknownRule rule;
  if (!reader->text(reader->root(), "by")) reader->fail("by", "missing", "energy or distance");
  rule.by = reader->choice(reader->root(), "by", kRules, UnknownRule::By::kEnergy);
  const auto threshold = reader->number(reader->root(), "threshold");
  if (!threshold) reader->fail("threshold", "missing", "a number");
  rule.threshold = *threshold;
  rule.share = reader->number(reader->root(), "share").value_or(0.0);
  rule.neighbours = tensor_of(checkpoint, kNeighboursTensor, 0, architecture.pooled_dim(), file);
  const std::vector<float> known = tensor_of(checkpoint, kKnownTensor, 2, 0, file);
  const auto half = known.begin() + static_cast<std::ptrdiff_t>(known.size() / 2);
  rule.known_near.assign(known.begin(), half);
  rule.known_far.assign(half, known.end());
  if (!std::ranges::is_sorted(rule.known_near) || !std::ranges::is_sorted(rule.known_far)) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: tensor '{}' is out of order, expected rising rows", file, kKnownTensor), kHint);
  }
  if (rule.by == UnknownRule::By::kEnergy) return rule;
  rule.projection = tensor_of(checkpoint, kProjectionTensor, 0, architecture.pooled_dim(), file);
  rule.centres = tensor_of(checkpoint, kCentresTensor, architecture.num_classes,
                           rule.projection.size() / architecture.pooled_dim(), file);
  return rule;
}

std::string_view read_out_key(ReadOut read_out) {
  return std::ranges::find(kReadOuts, read_out, &decltype(kReadOuts)::value_type::second)->first;
}

std::string_view rule_key(UnknownRule::By by) {
  return std::ranges::find(kRules, by, &decltype(kRules)::value_type::second)->first;
}

}  // namespace fovea
