// From answers to figures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "pipeline/eval/answers.hpp"
#include "pipeline/learn/labelled.hpp"
#include "report/eval/eval_report.hpp"

namespace fovea {

struct EvalOptions {
  std::string group_by;  // a regular expression over names; what its first group matches is kept together
  std::uint64_t seed = 0;
  std::string maps = {};  // the method whose maps the answers carry; empty: none
};

/// The report on one or two models, without the folder's name.
/// @param all      one or two, about `pictures`
/// @throws Error   kUsage for a regular expression that is none; kDecode where nothing can be measured.
[[nodiscard]] EvalReport measure(std::span<const Answers> all, const LabelledPictures& pictures,
                                 const EvalOptions& options);

/// Who is measured, and who belongs together.
struct EvalPlan {
  std::span<const Input> inputs;
  std::span<const std::size_t> groups;  // [inputs] equal numbers belong together
  std::uint64_t seed = 0;
};

/// The mean of one value for each picture, and its bootstrap interval over groups.
[[nodiscard]] MeasuredShare mean_share(std::span<const double> values, std::span<const std::size_t> groups,
                                       std::uint64_t seed);

/// All figures that follow from the answers; those that do not are in `missing`.
/// @param answers  with one picture at least
[[nodiscard]] EvaluatedModel evaluate(const Answers& answers, const EvalPlan& plan);

/// Two models on the pictures that both have an answer for.
/// @param maps     the method whose maps the answers carry; empty: none
/// @throws Error   kUsage where they have none in common.
[[nodiscard]] ComparedModels compare(const Answers& first, const Answers& second, const EvalPlan& plan,
                                     const std::string& maps = {});

}  // namespace fovea
