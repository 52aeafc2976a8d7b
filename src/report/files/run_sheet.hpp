// run.json: what all shards of a batch have in common.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "report/writer.hpp"

namespace fovea {

struct RunSheet {
  std::size_t shards = 1;
  std::string version;
  std::string model_sha256;
  std::string arguments_sha256;                // over the paths as they were given
  std::map<std::string, std::string> options;  // those that change a row or a picture, by flag name
  ReportOptions columns = {};                  // of the tables; they follow from the model and the options
};

[[nodiscard]] std::string run_sheet_json(const RunSheet& sheet);
/// @param name    of the file, for messages
/// @throws Error  kDecode if the text is no such document.
[[nodiscard]] RunSheet run_sheet_from_json(std::string_view text, std::string_view name);

/// The first thing in which two sheets differ: "alpha is 0.3, expected 0.5"; empty where they agree.
[[nodiscard]] std::string difference(const RunSheet& sheet, const RunSheet& expected);

}  // namespace fovea
