// How the labels of pictures meet a model's classes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "fovea/model.hpp"

namespace fovea {

struct MatchedClasses {
  std::vector<std::size_t> of_label;  // [labels] the class that each one names
  std::vector<std::string> remarks;   // labels that name the same class
};

/// A label is a class's whole description, one of its comma-separated names, its WordNet id or its index. A whole
/// description in the same case goes before everything else, so that classes that are called 1, 2 and 10 are meant by
/// their names; then a number is no index. `_` may stand for a space, as folders are often called.
/// @param model   for messages
/// @param unseen  what to do about a class that `classes` does not know, for the hint; may be empty
/// @throws Error  kUsage for labels that name no class, or several. It lists them, and the hint the nearest names.
[[nodiscard]] MatchedClasses match_classes(std::span<const std::string> labels, std::span<const ClassLabel> classes,
                                           const std::string& model, const std::string& unseen = {});

/// A name for each class that no other class has: "crane", or "crane (n03126707)", or "class 7".
[[nodiscard]] std::vector<std::string> distinct_names(std::span<const ClassLabel> classes);

}  // namespace fovea
