// Tables of texts: CSV (RFC 4180) whose first row names the columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

struct CsvTable {
  std::string file;  // for messages
  std::string hint;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // each as long as `columns`; empty lines are passed over

  /// @throws Error  kUsage where no column has this name.
  [[nodiscard]] std::size_t column(std::string_view name) const;
};

/// @param file    for messages
/// @param hint    of every error: what such a table looks like
/// @throws Error  kUsage for a row of another length than the first, or a quotation mark without an end.
[[nodiscard]] CsvTable read_csv(std::string_view text, const std::string& file, const std::string& hint);

}  // namespace fovea
