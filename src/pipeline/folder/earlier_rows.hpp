// What an earlier run has left in a batch's folder, beside what this run is to do.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/folder/inputs.hpp"
#include "report/record.hpp"

namespace fovea {

/// The rows of a results.jsonl in their order, failures included. The summary and anything that is no whole record are
/// left out; no file is no rows.
[[nodiscard]] std::vector<Record> read_rows(const std::filesystem::path& path);

struct EarlierRows {
  std::vector<std::optional<Record>> rows;  // by input
  std::vector<bool> as_is;                  // by input: it is none of this run's, and keeps its row whatever it is
  std::size_t removed = 0;                  // rows of files that are gone
};

/// Finds the earlier rows of `inputs`. A row of any other input would be lost when the results are written:
/// - its file is gone from below this run's arguments: the row goes;
/// - `append`: it stays as it is, and its input is put into `inputs`. Inputs that have rows come first, in the order of
///   the rows, then the new ones.
/// @param arguments  files and folders as given; inputs were found in them
/// @throws Error     kUsage without `append`, naming such a row.
[[nodiscard]] EarlierRows find_earlier_rows(const std::filesystem::path& results,
                                            std::span<const std::string> arguments, bool append,
                                            std::vector<Input>& inputs);

/// Before a results.jsonl is replaced by `rows`.
/// @throws Error  kUsage, naming one of its rows that would be lost: none of `rows` is of that file, and the file
/// exists.
void require_replaced(const std::filesystem::path& results, std::span<const Record> rows);

}  // namespace fovea
