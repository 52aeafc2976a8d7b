// A class of a picture, as it is said to people.
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
};

}  // namespace fovea
