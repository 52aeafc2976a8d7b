// One predicted class of a picture, with the names people know it by.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace fovea {

struct Prediction {
  std::size_t class_index = 0;
  std::optional<std::string> label;   // the description up to its first comma
  std::optional<std::string> synset;  // where known
  float probability = 0.0F;
  std::optional<float> value = {};  // the output itself, of a model whose outputs are values: no probability then
};

/// Whether a picture is of none of the classes, by the rule of a learned model (UnknownRule).
struct UnknownVerdict {
  bool unknown = false;
  double score = 0;  // how strange it is, 0 to 1; above the rule's threshold: unknown
};

/// The class that another one is held against.
struct MapContrast {
  std::size_t class_index = 0;
  std::optional<std::string> label;
};
/// The class that a map explains; none for class-agnostic methods.
struct MapTarget {
  std::size_t class_index = 0;
  std::optional<std::string> label;
  std::optional<MapContrast> against = {};  // the map says why not this one
};

}  // namespace fovea
