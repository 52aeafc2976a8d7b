// The pictures in the pages of `learn` and `eval`: small JPEGs in base64, by path.
#pragma once

#include <map>
#include <span>
#include <string>

#include "report/eval/eval_report.hpp"
#include "report/learn/learn_report.hpp"

namespace fovea {

/// The first 300 of these paths, each once. What cannot be decoded any more is left out.
[[nodiscard]] std::map<std::string, std::string> thumbnails_of(std::span<const std::string> paths);

/// The surprising pictures, then those of the largest cells of the confusion.
[[nodiscard]] std::map<std::string, std::string> report_thumbnails(const LearnReport& report);
/// Flips, surprising pictures, those of the confusion from the largest wrong cell on, then a dozen of each class that
/// are right.
[[nodiscard]] std::map<std::string, std::string> report_thumbnails(const EvalReport& report);

}  // namespace fovea
