// Which class of a picture is explained: a rule for all pictures, resolved for each.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/session.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/predictions.hpp"
#include "report/record.hpp"

namespace fovea {

/// The class that a map is about, or the contrast of this class with another one.
struct Target {
  std::size_t class_index = 0;
  std::optional<std::size_t> against;
  friend bool operator==(const Target&, const Target&) = default;
};

/// The logit of the class; minus the logit of `against`, where there is one.
[[nodiscard]] ScoreSeed score_seed(const Target& target);
/// "32", or "32-967": part of a file's name.
[[nodiscard]] std::string target_stem(const Target& target);
[[nodiscard]] MapTarget described(const Target& target, const ClassSpace& classes);

/// A class by its name, by its rank among a picture's classes, or by the folder that the picture lies in.
struct ClassRule {
  enum class Kind { kNamed, kRanked, kFolder };
  Kind kind = Kind::kRanked;
  std::size_t class_index = 0;  // of a named one
  std::size_t rank = 1;         // of a ranked one, from 1
};

struct TargetRule {
  ClassRule target;
  std::size_t ranks = 1;  // of a ranked target: so many classes from the best on
  std::optional<ClassRule> against;
};

/// @param target   "top1", "top5" (a map for each of the best five), "true" (the folder's name), an index, a WordNet id
///                 or a name
/// @param against  the same, but "top5" is the fifth alone; or none
/// @throws Error   kUsage for a name that fits no class, or several.
[[nodiscard]] TargetRule parse_target(std::string_view target, const std::optional<std::string>& against,
                                      const ClassSpace& classes);

/// A rule for each target; none: the best class.
/// @throws Error  as parse_target().
[[nodiscard]] std::vector<TargetRule> parse_targets(const std::vector<std::string>& targets,
                                                    const std::optional<std::string>& against,
                                                    const ClassSpace& classes);

/// The targets of one picture, each once.
/// @param logits  [C]
/// @throws Error  kNotFound if its folder is named after no class, or target and `against` are the same class.
[[nodiscard]] std::vector<Target> targets_of(const std::vector<TargetRule>& rules, const Logits& logits,
                                             const Input& input, const ClassSpace& classes);

}  // namespace fovea
