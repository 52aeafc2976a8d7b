#include "model/learned/learned_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/files.hpp"
#include "checkpoint/formats/safetensors_writer.hpp"
#include "fovea/error.hpp"
#include "model/config/config_files.hpp"
#include "model/learned/learned_file.hpp"
#include "model/quantize/quantized_file.hpp"
#include "model/weights/tensor_source.hpp"

namespace fovea {
namespace {

StoredTensor floats(std::string name, std::vector<std::size_t> shape, std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  return {std::move(name), DType::kF32, std::move(shape), {bytes.begin(), bytes.end()}};
}

/// The tensors of all heads that the model has: two heads, whose scores are averaged, are the same one twice.
std::vector<StoredTensor> head_tensors(const OpenModel& model, const LearnedHead& head) {
  Naming naming = *model.naming;
  naming.expect(Option::kHead);
  std::vector<StoredTensor> tensors;
  const std::size_t classes = head.classes.size();
  const std::size_t width = head.weight.size() / classes;
  for (const Role role : {Role::kHead, Role::kHeadDist}) {
    const TensorRule* weight = naming.rule(role, Part::kWeight);
    const TensorRule* bias = naming.rule(role, Part::kBias);
    if (weight == nullptr && role == Role::kHeadDist) continue;
    if (weight == nullptr || bias == nullptr ||
        (weight->layout != Layout::kOutIn && weight->layout != Layout::kInOut)) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: {} has no linear head that could be another one", printable(model.info.path),
                              naming.family().name),
                  "choose another backbone with -m");
    }
    if (weight->layout == Layout::kOutIn) {
      tensors.push_back(floats(naming.tensor_name(*weight), {classes, width}, head.weight));
    } else {
      std::vector<float> turned(head.weight.size());
      transpose<float>(head.weight, classes, width, turned);  // [C, D] → [D, C]
      tensors.push_back(floats(naming.tensor_name(*weight), {width, classes}, turned));
    }
    tensors.push_back(floats(naming.tensor_name(*bias), {classes}, head.bias));
  }
  return tensors;
}

std::string learned_text(const OpenModel& model, const LearnedHead& head, JsonObject about) {
  std::vector<std::string> names;
  names.reserve(head.classes.size());
  for (const std::string& name : head.classes) names.push_back(json_quoted(name));
  const Architecture& a = model.info.architecture;
  about.add_raw("classes", json_array(names)).add("read_out", read_out_key(a.read_out));
  return about.add("read_out_blocks", a.read_out_blocks).line();
}

std::string unknown_text(const UnknownRule& rule, double rejected) {
  JsonObject rule_object;
  rule_object.add("by", rule_key(rule.by)).add("threshold", rule.threshold).add("share", rule.share);
  return rule_object.add("rejected", rejected).line();
}

std::vector<StoredTensor> unknown_tensors(const UnknownRule& rule, const OpenModel& model, const LearnedHead& head) {
  const std::size_t width = model.info.architecture.pooled_dim();
  std::vector<float> known = rule.known_near;
  known.insert(known.end(), rule.known_far.begin(), rule.known_far.end());
  std::vector<StoredTensor> tensors;
  tensors.push_back(floats(std::string(kNeighboursTensor), {rule.neighbours.size() / width, width}, rule.neighbours));
  tensors.push_back(floats(std::string(kKnownTensor), {2, rule.known_near.size()}, known));
  if (rule.by == UnknownRule::By::kEnergy) return tensors;
  const std::size_t r = rule.centres.size() / head.classes.size();
  tensors.push_back(floats(std::string(kProjectionTensor), {r, width}, rule.projection));
  tensors.push_back(floats(std::string(kCentresTensor), {head.classes.size(), r}, rule.centres));
  return tensors;
}

}  // namespace

void write_learned(const OpenModel& model, const LearnedHead& head, JsonObject about, PendingFile& file) {
  std::vector<StoredTensor> added = head_tensors(model, head);
  if (head.unknown) std::ranges::move(unknown_tensors(*head.unknown, model, head), std::back_inserter(added));
  std::vector<StoredTensor> tensors;
  for (const TensorView& tensor : model.checkpoint->tensors()) {
    const bool replaced = std::ranges::any_of(added, [&](const StoredTensor& one) { return one.name == tensor.name; });
    // What an earlier run of `learn` has written says nothing of this head.
    if (!replaced && !tensor.name.starts_with(kUnknownTensors)) tensors.push_back(stored_tensor(tensor));
  }
  std::ranges::move(added, std::back_inserter(tensors));

  std::map<std::string, std::string> metadata = ConfigFiles(model.info.path, *model.checkpoint).carried();
  metadata.erase(std::string(kUnknownKey));
  metadata[std::string(kLearnedKey)] = learned_text(model, head, std::move(about));
  metadata[std::string(kTemperatureKey)] = json_number(head.temperature);
  if (head.unknown) metadata[std::string(kUnknownKey)] = unknown_text(*head.unknown, head.rejected);
  if (model.config.empty()) metadata[std::string(kUsualRecipeKey)] = model.info.usual_recipe;
  write_safetensors(file, tensors, metadata);
}

}  // namespace fovea
