#include "pipeline/learn/decisions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "base/sha256.hpp"
#include "fovea/error.hpp"
#include "report/files/csv_table.hpp"

namespace fovea {
namespace {

constexpr const char* kTableHint =
    "a table of decisions has the columns file_name, decision (keep, drop or relabel) and label";

/// One row, checked against the pictures.
struct PictureDecision {
  std::size_t picture = 0;
  std::string decision;
  std::optional<std::size_t> label;
};

class DecisionReader {
 public:
  DecisionReader(const LabelledPictures& pictures, const std::string& file) : pictures_(pictures), file_(file) {
    for (std::size_t i = 0; i < pictures.inputs.size(); ++i) places_.emplace(pictures.inputs[i].name, i);
  }

  [[nodiscard]] PictureDecision read(const std::string& name, const std::string& decision, const std::string& label) {
    const auto place = places_.find(name);
    if (place == places_.end()) {
      refuse(fmt::format("there is no picture '{}' below the folder", printable(name)),
             "names are relative to the folder that is learned from, such as cats/1.jpg");
    }
    if (!seen_.insert(place->second).second) {
      refuse(fmt::format("'{}' is decided about twice, expected one row for each picture", printable(name)),
             kTableHint);
    }
    if (decision != "keep" && decision != "drop" && decision != "relabel") {
      refuse(fmt::format("the decision about '{}' is '{}', expected keep, drop or relabel", printable(name),
                         printable(decision)),
             kTableHint);
    }
    if (label.empty() && decision == "relabel") {
      refuse(fmt::format("'{}' is to be relabelled, but its label is empty, expected a class", printable(name)),
             kTableHint);
    }
    return {place->second, decision, class_of(name, label)};
  }

 private:
  [[noreturn]] void refuse(const std::string& what, const std::string& hint) const {
    throw Error(ErrorCode::kUsage, fmt::format("{}: {}", printable(file_), what), hint);
  }

  [[nodiscard]] std::optional<std::size_t> class_of(const std::string& name, const std::string& label) const {
    if (label.empty()) return std::nullopt;
    const auto found = std::ranges::find(pictures_.names, label);
    if (found == pictures_.names.end()) {
      refuse(fmt::format("the label of '{}' is '{}', which no picture of the folder has", printable(name),
                         printable(label)),
             "a label is the name of a class as the folder has it");
    }
    return static_cast<std::size_t>(found - pictures_.names.begin());
  }

  const LabelledPictures& pictures_;
  const std::string& file_;
  std::map<std::string, std::size_t> places_;
  std::set<std::size_t> seen_;
};

}  // namespace

DecisionReport apply_decisions(LabelledPictures& pictures, const std::string& file) {
  const std::string text = read_text_file(file);
  const CsvTable table = read_csv(text, printable(file), kTableHint);
  const std::size_t name = table.column("file_name");
  const std::size_t decision = table.column("decision");
  const std::size_t label = table.column("label");
  DecisionReader reader(pictures, file);
  DecisionReport report{file, sha256_hex(text), 0, 0, 0};
  std::set<std::size_t> dropped;
  std::vector<std::pair<std::size_t, std::size_t>> relabelled;  // picture, class
  for (const std::vector<std::string>& row : table.rows) {
    const PictureDecision decided = reader.read(row[name], row[decision], row[label]);
    if (decided.decision == "keep") ++report.kept;
    if (decided.decision == "drop") dropped.insert(decided.picture);
    if (decided.decision == "relabel") relabelled.emplace_back(decided.picture, *decided.label);
  }
  report.dropped = dropped.size();
  report.relabelled = relabelled.size();
  for (const auto& [picture, new_class] : relabelled) pictures.classes[picture] = new_class;
  LabelledPictures left = pictures;
  left.inputs.clear();
  left.classes.clear();
  for (std::size_t i = 0; i < pictures.inputs.size(); ++i) {
    if (dropped.contains(i)) continue;
    left.inputs.push_back(pictures.inputs[i]);
    left.classes.push_back(pictures.classes[i]);
  }
  pictures = std::move(left);
  return report;
}

}  // namespace fovea
