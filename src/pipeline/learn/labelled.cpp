#include "pipeline/learn/labelled.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <numeric>
#include <optional>
#include <regex>
#include <set>
#include <system_error>
#include <utility>

#include "base/files.hpp"
#include "base/open_file.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"
#include "pipeline/archive/archive_inputs.hpp"
#include "report/files/label_table.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

/// "cats/tom/1.jpg" → "cats"; empty for a picture that lies in no folder.
std::string first_folder(const std::string& name) {
  const auto slash = name.find('/');
  return slash == std::string::npos ? std::string{} : name.substr(0, slash);
}

/// A table of labels.
struct Table {
  std::string file;
  LabelTable labels;
};
Table read_table(const fs::path& file) {
  const std::string text = read_text_file(file);
  const bool lines = to_lower(file.extension().string()) == ".jsonl";
  return {printable(file), lines ? labels_from_jsonl(text, printable(file)) : labels_from_csv(text, printable(file))};
}
/// The one beside the pictures, where there is one.
std::optional<Table> table_in(const std::string& folder) {
  for (const char* const name : {"metadata.csv", "metadata.jsonl"}) {
    if (const fs::path file = fs::path(folder) / name; is_there(file)) return read_table(file);
  }
  return std::nullopt;
}

Failure without_class(const Input& input, const std::string& why, const std::string& hint) {
  return {ErrorCode::kUsage, fmt::format("{}: the picture has no class: {}", printable(input.path), why), hint};
}

/// Two folders, such as train and val, that hold the same classes each; the one to measure on is the second.
std::optional<std::pair<std::string, std::string>> find_parts(const std::vector<Input>& inputs,
                                                              std::string& common_class) {
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
      common_class = *a->second.begin();
      const bool first_is_val = a->first.starts_with("val") || a->first.starts_with("test");
      return first_is_val ? std::pair(b->first, a->first) : std::pair(a->first, b->first);
    }
  }
  return std::nullopt;
}

void refuse_parts(const std::string& folder, const std::vector<Input>& inputs, LabelUse use) {
  std::string common_class;
  const auto parts = find_parts(inputs, common_class);
  if (!parts) return;
  const std::string train = printable(parts->first);
  const std::string val = printable(parts->second);
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: the folders '{}' and '{}' hold folders of the same names ('{}'), expected one folder "
                          "for each class",
                          printable(folder), train, val, printable(common_class)),
              use == LabelUse::kLearn
                  ? fmt::format("if they are parts of one data set: fovea learn {0}/{1} --val {0}/{2}",
                                printable(folder), train, val)
                  : fmt::format("if they are parts of one data set: fovea eval {}/{}", printable(folder), val));
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

LabelledPictures label_pictures(const std::string& folder, std::vector<Input> inputs, const std::string& table_file,
                                LabelUse use) {
  LabelledPictures pictures;
  pictures.inputs = std::move(inputs);
  const bool archived = looks_like_tar(folder);
  std::optional<Table> table;
  if (!table_file.empty()) table = read_table(table_file);
  if (!table && !archived) table = table_in(folder);
  if (!table && !archived) refuse_parts(folder, pictures.inputs, use);
  pictures.source = table ? table->file : archived ? "archives" : "folders";
  std::vector<std::string> labels;  // [inputs]; empty: none
  const auto in_folder = [](const Input& input) {
    if (input.label) return *input.label;  // of an archive in a folder
    std::string name = first_folder(input.name);
    return input.part && looks_like_tar(name) ? std::string() : name;  // an archive is no class
  };
  for (Input& input : pictures.inputs) {
    const auto in_table = table ? table->labels.find(input.name) : LabelTable::const_iterator();
    labels.push_back(!table && archived                ? input.label.value_or("")
                     : !table                          ? in_folder(input)
                     : in_table == table->labels.end() ? std::string()
                                                       : in_table->second);
    if (!labels.back().empty() || input.failure) continue;
    input.failure = table      ? without_class(input, fmt::format("{} does not name it", table->file),
                                               "add a line for it, or take it out of the folder")
                    : archived ? without_class(input, "no .cls and no .json beside it says one",
                                               "--label-key names the key of .json files")
                               : without_class(input, "it lies in no folder that could name one",
                                               "put it into the folder of its class");
  }
  std::set<std::string> distinct;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!pictures.inputs[i].failure) distinct.insert(labels[i]);
  }
  pictures.names.assign(distinct.begin(), distinct.end());
  std::ranges::stable_sort(pictures.names, natural_less);
  std::map<std::string, std::size_t> places;
  for (std::size_t c = 0; c < pictures.names.size(); ++c) places[pictures.names[c]] = c;
  for (const std::string& label : labels) {
    const auto place = places.find(label);
    pictures.classes.push_back(place == places.end() ? 0 : place->second);
  }
  return pictures;
}

std::vector<Input> pictures_below(const std::string& folder, const std::string& label_key,
                                  std::vector<std::string>* unread) {
  if (looks_like_tar(folder)) {
    const std::vector<std::string> archives = expand_archive_names(folder);
    for (const std::string& archive : archives) {
      if (is_there(archive)) continue;
      throw Error(ErrorCode::kUsage, fmt::format("{}: no such file, expected a tar archive", printable(archive)));
    }
    return list_inputs(archives, {.recurse = true, .output_folder = {}, .label_key = label_key});
  }
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{}: is no folder, expected one with a folder of pictures for each class", printable(folder)));
  }
  const std::vector<std::string> arguments{folder};
  return list_inputs(arguments, {.recurse = true, .output_folder = {}}, unread);
}

void remark_on_archives(std::span<const std::string> unread, LabelledPictures& pictures) {
  if (!unread.empty()) pictures.remarks.push_back(fmt::format("{}: {}", unread_remark(unread), kUnreadHint));
}

LabelledPictures list_labelled(const std::string& folder) {
  std::vector<std::string> unread;
  LabelledPictures pictures = label_pictures(folder, pictures_below(folder, {}, &unread), {}, LabelUse::kLearn);
  if (pictures.names.size() < 2) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{}: the number of classes is {}, expected at least 2", printable(folder), pictures.names.size()),
        "put the pictures of each class into a folder of its own, or write a metadata.csv with file_name,label");
  }
  remark_on_case(pictures);
  remark_on_archives(unread, pictures);
  return pictures;
}

void add_validation(LabelledPictures& pictures, const std::string& folder, const std::string& validation) {
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
}

std::vector<std::size_t> groups_by_name(std::span<const std::string> names, const std::string& expression) {
  std::vector<std::size_t> groups(names.size());
  std::iota(groups.begin(), groups.end(), std::size_t{0});
  if (expression.empty()) return groups;
  try {
    const std::regex pattern(expression);
    std::map<std::string, std::size_t> first;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(names[i], match, pattern)) continue;
      groups[i] = first.emplace(match.size() > 1 ? match[1].str() : match.str(), i).first->second;
    }
  } catch (const std::regex_error& error) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--group-by is '{}', expected a regular expression (ECMAScript): {}", printable(expression),
                            error.what()),
                "for example '^[^/]*/([0-9]+)_' for names such as bolts/0017_left.jpg");
  }
  return groups;
}

}  // namespace fovea
