#include "pipeline/learn/labelled.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/files.hpp"
#include "base/open_file.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"
#include "report/files/label_table.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

/// "cats/tom/1.jpg" → "cats"; empty for a picture that lies in no folder.
std::string first_folder(const std::string& name) {
  const auto slash = name.find('/');
  return slash == std::string::npos ? std::string{} : name.substr(0, slash);
}

/// A table beside the pictures.
struct Table {
  std::string file;
  LabelTable labels;
};
std::optional<Table> read_table(const std::string& folder) {
  const fs::path csv = fs::path(folder) / "metadata.csv";
  const fs::path jsonl = fs::path(folder) / "metadata.jsonl";
  if (is_there(csv)) return Table{printable(csv), labels_from_csv(read_text_file(csv), printable(csv))};
  if (is_there(jsonl)) return Table{printable(jsonl), labels_from_jsonl(read_text_file(jsonl), printable(jsonl))};
  return std::nullopt;
}

Failure without_class(const Input& input, const std::string& why, const std::string& hint) {
  return {ErrorCode::kUsage, fmt::format("{}: the picture has no class: {}", printable(input.path), why), hint};
}

/// Folders such as train and val hold the same classes each.
void refuse_parts(const std::string& folder, const std::vector<Input>& inputs) {
  std::map<std::string, std::set<std::string>> below;  // first folder → the folders in it
  for (const Input& input : inputs) {
    const std::string first = first_folder(input.name);
    if (first.empty()) continue;
    const std::string second = first_folder(input.name.substr(first.size() + 1));
    below[first].insert(second);
  }
  for (auto a = below.begin(); a != below.end(); ++a) {
    for (auto b = std::next(a); b != below.end(); ++b) {
      if (a->second.contains("") || a->second.size() < 2 || a->second != b->second) continue;
      const bool first_is_val = a->first.starts_with("val") || a->first.starts_with("test");
      const auto& [train, val] = first_is_val ? std::pair(b->first, a->first) : std::pair(a->first, b->first);
      throw Error(
          ErrorCode::kUsage,
          fmt::format("{}: the folders '{}' and '{}' hold folders of the same names ('{}'), expected one folder "
                      "for each class",
                      printable(folder), printable(a->first), printable(b->first), printable(*a->second.begin())),
          fmt::format("if they are parts of one data set: fovea learn {0}/{1} --val {0}/{2}", printable(folder),
                      printable(train), printable(val)));
    }
  }
}

void remark_on_case(LabelledPictures& pictures) {
  std::map<std::string, std::string> seen;
  for (const std::string& name : pictures.names) {
    const auto [place, is_new] = seen.emplace(to_lower(name), name);
    if (!is_new) {
      pictures.remarks.push_back(
          fmt::format("the classes '{}' and '{}' differ in upper and lower case only; they are learned as two classes",
                      printable(place->second), printable(name)));
    }
  }
}

}  // namespace

LabelledPictures list_labelled(const std::string& folder) {
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{}: is no folder, expected one with a folder of pictures for each class", printable(folder)));
  }
  LabelledPictures pictures;
  const std::vector<std::string> arguments{folder};
  pictures.inputs = list_inputs(arguments, {.recurse = true, .output_folder = {}});
  const std::optional<Table> table = read_table(folder);
  if (!table) refuse_parts(folder, pictures.inputs);
  std::vector<std::string> labels;  // [inputs]; empty: none
  for (Input& input : pictures.inputs) {
    const auto in_table = table ? table->labels.find(input.name) : LabelTable::const_iterator();
    labels.push_back(!table                            ? first_folder(input.name)
                     : in_table == table->labels.end() ? std::string()
                                                       : in_table->second);
    if (!labels.back().empty() || input.failure) continue;
    input.failure =
        table ? without_class(input, fmt::format("{} does not name it", table->file),
                              "add a line for it, or take it out of the folder")
              : without_class(input, "it lies in no folder that could name one", "put it into the folder of its class");
  }
  std::set<std::string> distinct;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!pictures.inputs[i].failure) distinct.insert(labels[i]);
  }
  pictures.names.assign(distinct.begin(), distinct.end());
  std::ranges::stable_sort(pictures.names, natural_less);
  if (pictures.names.size() < 2) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{}: the number of classes is {}, expected at least 2", printable(folder), pictures.names.size()),
        "put the pictures of each class into a folder of its own, or write a metadata.csv with file_name,label");
  }
  for (const std::string& label : labels) {
    const auto place = std::ranges::find(pictures.names, label);
    pictures.classes.push_back(
        place == pictures.names.end() ? 0 : static_cast<std::size_t>(place - pictures.names.begin()));
  }
  remark_on_case(pictures);
  return pictures;
}

LabelledPictures list_labelled(const std::string& folder, const std::string& validation) {
  LabelledPictures pictures = list_labelled(folder);
  LabelledPictures others = list_labelled(validation);
  for (std::size_t i = 0; i < others.inputs.size(); ++i) {
    const std::string& name = others.names[others.classes[i]];
    const auto place = std::ranges::find(pictures.names, name);
    if (place == pictures.names.end() && !others.inputs[i].failure) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: class '{}' has no pictures in {}, expected some to learn from",
                              printable(validation), printable(name), printable(folder)),
                  "give both folders the same classes");
    }
    pictures.classes.push_back(static_cast<std::size_t>(place - pictures.names.begin()));
    pictures.inputs.push_back(std::move(others.inputs[i]));
  }
  pictures.validation = others.inputs.size();
  return pictures;
}

}  // namespace fovea
