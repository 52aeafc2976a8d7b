// What `fovea learn` adds to a model's own tensors, in one safetensors file: a head, and keys in the metadata.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "fovea/architecture.hpp"
#include "fovea/model.hpp"

namespace fovea {

/// The keys of the file's metadata. The model's JSON files are there, too, whole, each under its own name.
inline constexpr std::string_view kLearnedKey = "fovea.learned";  // JSON: the classes, and how it was made
inline constexpr std::string_view kTemperatureKey =
    "fovea.temperature";                                          // a number: the head's scores are divided by it
inline constexpr std::string_view kUnknownKey = "fovea.unknown";  // JSON: when a picture is of none of the classes
/// F32 tensors: of a rule by distance [r, D] and [C, r], of each rule [n, D] and [2, m] (UnknownRule).
inline constexpr std::string_view kUnknownTensors = "fovea.unknown.";
inline constexpr std::string_view kProjectionTensor = "fovea.unknown.projection";
inline constexpr std::string_view kCentresTensor = "fovea.unknown.centres";
inline constexpr std::string_view kNeighboursTensor = "fovea.unknown.neighbours";
inline constexpr std::string_view kKnownTensor = "fovea.unknown.known";  // near, then far

/// What a learned file says of its classes, in place of what its config says of the backbone's own.
struct LearnedClasses {
  std::vector<ClassLabel> labels;
  ReadOut read_out = ReadOut::kClassToken;  // what the head was learned from
  std::size_t read_out_blocks = 1;
};

/// None for every other checkpoint.
/// @param file    for messages.
/// @throws Error  kCheckpoint for a key or a value that fovea does not know.
[[nodiscard]] std::optional<LearnedClasses> learned_classes(const Checkpoint& checkpoint, const std::string& file);
/// 1 where the metadata states none.
[[nodiscard]] double learned_temperature(const Checkpoint& checkpoint, const std::string& file);
[[nodiscard]] std::optional<UnknownRule> unknown_rule(const Checkpoint& checkpoint, const Architecture& architecture,
                                                      const std::string& file);

/// The words of the two JSON objects.
[[nodiscard]] std::string_view read_out_key(ReadOut read_out);
[[nodiscard]] std::string_view rule_key(UnknownRule::By by);

/// A class by its name: a WordNet id is its synset, too.
[[nodiscard]] ClassLabel class_of_name(const std::string& name);

}  // namespace fovea
