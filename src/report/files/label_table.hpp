// The table of labels that imagefolder data sets have beside their pictures: metadata.csv or metadata.jsonl.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace fovea {

/// Labels by file name, relative to the table's folder.
using LabelTable = std::map<std::string, std::string>;

/// CSV (RFC 4180) whose first row names the columns. Other columns than file_name and label are passed over.
/// @param file    for messages
/// @throws Error  kUsage for a table without these columns, or with a row that is cut short, or two labels of a file.
[[nodiscard]] LabelTable labels_from_csv(std::string_view text, const std::string& file);
/// The value of `key` in a JSON object, a text or a whole number; none where there is no such.
[[nodiscard]] std::optional<std::string> label_in_json(std::string_view text, const std::string& key);
/// One object a line; a label may be a text or a whole number.
[[nodiscard]] LabelTable labels_from_jsonl(std::string_view text, const std::string& file);

}  // namespace fovea
