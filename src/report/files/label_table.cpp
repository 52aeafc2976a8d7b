#include "report/files/label_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/files.hpp"
#include "fovea/error.hpp"
#include "report/files/csv_table.hpp"

namespace fovea {
namespace {

constexpr std::string_view kFileName = "file_name";
constexpr std::string_view kLabel = "label";

constexpr const char* kHint = "imagefolder's tables have the columns file_name, relative to the table, and label";

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw Error(ErrorCode::kUsage, fmt::format("{}: {}", file, what), kHint);
}

void put(LabelTable& table, const std::string& name, const std::string& label, const std::string& file) {
  if (label.empty()) refuse(file, fmt::format("the label of '{}' is empty, expected a class", printable(name)));
  const auto [place, is_new] = table.emplace(name, label);
  if (is_new || place->second == label) return;
  refuse(file, fmt::format("'{}' has the labels '{}' and '{}', expected one", printable(name), printable(place->second),
                           printable(label)));
}

}  // namespace

LabelTable labels_from_csv(std::string_view text, const std::string& file) {
  const CsvTable rows = read_csv(text, file, kHint);
  const std::size_t name = rows.column(kFileName);
  const std::size_t label = rows.column(kLabel);
  LabelTable table;
  for (const std::vector<std::string>& row : rows.rows) put(table, row[name], row[label], file);
  return table;
}

std::optional<std::string> label_in_json(std::string_view text, const std::string& key) {
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
  const nlohmann::json value = object.is_object() ? object.value(key, nlohmann::json()) : nlohmann::json();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  return std::nullopt;
}

LabelTable labels_from_jsonl(std::string_view text, const std::string& file) {
  using Json = nlohmann::json;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  LabelTable table;
  for (std::size_t row = 1; !text.empty(); ++row) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const Json object = Json::parse(line, nullptr, false);
    const auto at = [&](std::string_view key) -> std::string {
      const Json value = object.is_object() ? object.value(std::string(key), Json()) : Json();
      if (value.is_string()) return value.get<std::string>();
      if (value.is_number_integer()) return value.dump();
      refuse(file, fmt::format("line {} has no text '{}'", row, key));
    };
    const std::string name = at(kFileName);
    put(table, name, at(kLabel), file);
  }
  return table;
}

}  // namespace fovea
