// The pictures in the pages of `learn` and `eval`: small JPEGs in base64, by path. A picture that cannot be read a second
// time is missing from the page, and a remark says so.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "pipeline/folder/inputs.hpp"
#include "report/eval/eval_report.hpp"
#include "report/learn/learn_report.hpp"

namespace fovea {

inline constexpr std::size_t kPagePictures = 300;
/// The first of these paths, each once.
/// @param inputs  of which some have these paths, such as an archive's members; any other path is a file's
[[nodiscard]] std::map<std::string, std::string> thumbnails_of(std::span<const std::string> paths,
                                                               std::span<const Input> inputs,
                                                               std::vector<std::string>& remarks,
                                                               std::size_t most = kPagePictures);

/// The surprising pictures, then those of the largest cells of the confusion.
[[nodiscard]] std::map<std::string, std::string> report_thumbnails(LearnReport& report, std::span<const Input> inputs);
/// Flips, surprising pictures, those of the confusion from the largest wrong cell on, then a dozen of each class that
/// are right.
[[nodiscard]] std::map<std::string, std::string> report_thumbnails(EvalReport& report, std::span<const Input> inputs);

}  // namespace fovea
