// What the choice of a rule for unknown pictures becomes: a part of the report, and of the model's file.
#pragma once

#include <vector>

#include "fovea/model.hpp"
#include "learn/unknown.hpp"
#include "report/learn/learn_report.hpp"

namespace fovea {

[[nodiscard]] std::vector<float> floats_of(const std::vector<double>& values);

[[nodiscard]] UnknownReport report_of(const learn::UnknownChoice& choice, double share);
/// @param examples  all that are learned from
[[nodiscard]] UnknownRule rule_of(const learn::UnknownChoice& choice, const learn::Examples& examples, double share);

}  // namespace fovea
