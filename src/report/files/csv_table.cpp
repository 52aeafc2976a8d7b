#include "report/files/csv_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/files.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

[[noreturn]] void refuse_csv(const CsvTable& table, const std::string& what) {
  throw Error(ErrorCode::kUsage, fmt::format("{}: {}", table.file, what), table.hint);
}

/// The next row; the text moves on to the row after it.
std::vector<std::string> take_row(std::string_view& text, const CsvTable& table) {
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
  if (quoted) refuse_csv(table, "a field in quotation marks has no end");
  text.remove_prefix(std::min(i + 1, text.size()));
  return fields;
}

}  // namespace

std::size_t CsvTable::column(std::string_view name) const {
  const auto found = std::ranges::find(columns, name);
  if (found == columns.end()) {
    refuse_csv(*this, fmt::format("the columns are '{}', expected '{}' among them",
                                  printable(fmt::format("{}", fmt::join(columns, "', '"))), name));
  }
  return static_cast<std::size_t>(found - columns.begin());
}

CsvTable read_csv(std::string_view text, const std::string& file, const std::string& hint) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  CsvTable table{file, hint, {}, {}};
  table.columns = take_row(text, table);
  for (std::size_t number = 2; !text.empty(); ++number) {
    std::vector<std::string> fields = take_row(text, table);
    if (fields.size() == 1 && fields.front().empty()) continue;
    if (fields.size() != table.columns.size()) {
      refuse_csv(table, fmt::format("row {} has {} fields, expected {}", number, fields.size(), table.columns.size()));
    }
    table.rows.push_back(std::move(fields));
  }
  return table;
}

}  // namespace fovea
