#include "report/files/label_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

constexpr std::string_view kFileName = "file_name";
constexpr std::string_view kLabel = "label";

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw Error(ErrorCode::kUsage, fmt::format("{}: {}", file, what),
              "imagefolder's tables have the columns file_name, relative to the table, and label");
}

void put(LabelTable& table, const std::string& name, const std::string& label, const std::string& file) {
  if (label.empty()) refuse(file, fmt::format("the label of '{}' is empty, expected a class", printable(name)));
  const auto [place, is_new] = table.emplace(name, label);
  if (is_new || place->second == label) return;
  refuse(file, fmt::format("'{}' has the labels '{}' and '{}', expected one", printable(name), printable(place->second),
                           printable(label)));
}

std::string_view without_mark(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

/// The next row; the text moves on to the row after it.
std::vector<std::string> take_row(std::string_view& text, const std::string& file) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        fields.back() += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r' || (i + 1 < text.size() && text[i + 1] != '\n')) {
      fields.back() += c;
    }
  }
  if (quoted) refuse(file, "a field in quotation marks has no end");
  text.remove_prefix(std::min(i + 1, text.size()));
  return fields;
}

std::size_t column_of(const std::vector<std::string>& names, std::string_view name, const std::string& file) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    refuse(file, fmt::format("the columns are '{}', expected '{}' among them",
                             printable(fmt::format("{}", fmt::join(names, "', '"))), name));
  }
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

LabelTable labels_from_csv(std::string_view text, const std::string& file) {
  text = without_mark(text);
  const std::vector<std::string> names = take_row(text, file);
  const std::size_t name = column_of(names, kFileName, file);
  const std::size_t label = column_of(names, kLabel, file);
  LabelTable table;
  for (std::size_t row = 2; !text.empty(); ++row) {
    const std::vector<std::string> fields = take_row(text, file);
    if (fields.size() == 1 && fields.front().empty()) continue;
    if (fields.size() != names.size()) {
      refuse(file, fmt::format("row {} has {} fields, expected {}", row, fields.size(), names.size()));
    }
    put(table, fields[name], fields[label], file);
  }
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
  text = without_mark(text);
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
