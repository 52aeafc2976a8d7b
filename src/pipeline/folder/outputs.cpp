#include "pipeline/folder/outputs.hpp"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/files.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

// NAME_MAX of every Linux file system in use, less the ".XXXXXX" under which replace_file() begins.
constexpr std::size_t kLongestName = 255 - 7;  // bytes

// After the method's name: the longest text that class indices make.
constexpr const char* kLongestTarget = ".1000000-1000000";

using FileId = std::pair<dev_t, ino_t>;

std::optional<FileId> file_id(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

std::map<FileId, std::string> files_of(std::span<const Input> inputs) {
  std::map<FileId, std::string> files;
  for (const Input& input : inputs) {
    if (input.is_standard_input()) continue;
    const std::string& file = input.file.empty() ? input.path : input.file;
    if (const auto id = file_id(file)) files.emplace(*id, file);
  }
  return files;
}

[[noreturn]] void refuse_to_overwrite(const std::string& output, const std::string& input) {
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: output is the input {}, expected another file", printable(output), printable(input)),
              "-o with another name or folder keeps the input as it is");
}

std::size_t longest_part(const std::string& path) {
  std::size_t longest = 0;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    longest = std::max(longest, end - begin);
    begin = end + 1;
  }
  return longest;
}

/// "tom.jpg.generic" of "tom.jpg.generic.32-967.png": what a file is called before the classes it is about.
std::string before_target(std::string_view name) {
  for (const std::string_view ending : {".map.png", ".png", ".npy", ".json"}) {
    if (!name.ends_with(ending)) continue;
    name.remove_suffix(ending.size());
    const std::size_t end = name.find_last_not_of("0123456789-");
    return std::string(name.substr(0, end == std::string_view::npos ? 0 : end));  // without the dot
  }
  return std::string(name);
}

/// A map of some class would be written over an input: which class is known only when the model has run.
void check_class_methods(const OutputLayout& layout, std::span<const Input> inputs,
                         const std::map<FileId, std::string>& input_files) {
  if (layout.class_methods.empty()) return;
  std::set<std::string> stems;  // of the files that will be there
  for (const Input& input : inputs) {
    for (const std::string& method : layout.class_methods) stems.insert(layout.maps + input.name + '.' + method);
  }
  const std::filesystem::path folder = std::filesystem::weakly_canonical(layout.folder);
  for (const auto& [id, file] : input_files) {
    const std::filesystem::path inside = std::filesystem::weakly_canonical(file).lexically_relative(folder);
    if (stems.contains(before_target(inside.string()))) refuse_to_overwrite((layout.folder / inside).string(), file);
  }
}

void check_length(const OutputLayout& layout, Input& input) {
  if (input.failure) return;
  std::vector<std::string> names = output_names(layout, input);
  for (const std::string& method : layout.class_methods) {
    names.push_back(overlay_name(layout, input, method + kLongestTarget));
    if (layout.save_gray_maps) names.push_back(gray_map_name(layout, input, method + kLongestTarget));
    if (layout.save_top_patches) names.push_back(top_patches_name(layout, input, method + kLongestTarget));
  }
  for (const std::string& name : names) {
    if (const std::size_t length = longest_part(name); length > kLongestName) {
      input.failure = Failure{ErrorCode::kOutput,
                              fmt::format("{}: name of the output file is {} bytes, expected at most {}",
                                          printable(input.path), length, kLongestName),
                              "`fovea classify` makes no file for each input"};
      return;
    }
  }
}

}  // namespace

std::string map_stem(std::string_view method, const std::optional<MapTarget>& target) {
  if (!target) return std::string(method);
  const std::string contrast = target->against ? fmt::format("-{}", target->against->class_index) : "";
  return fmt::format("{}.{}{}", method, target->class_index, contrast);
}

std::string overlay_name(const OutputLayout& layout, const Input& input, std::string_view stem) {
  return fmt::format("{}{}.{}.png", layout.maps, input.name, stem);
}

std::string map_name(const OutputLayout& layout, const Input& input, std::string_view stem) {
  return fmt::format("{}{}.{}.npy", layout.maps, input.name, stem);
}

std::string gray_map_name(const OutputLayout& layout, const Input& input, std::string_view stem) {
  return fmt::format("{}{}.{}.map.png", layout.maps, input.name, stem);
}

std::string top_patches_name(const OutputLayout& layout, const Input& input, std::string_view stem) {
  return fmt::format("{}{}.{}.json", layout.maps, input.name, stem);
}

std::string panel_name(const OutputLayout& layout, const Input& input) {
  return fmt::format("{}{}.panel.png", layout.maps, input.name);
}

std::string attention_sheet_name(const OutputLayout& layout, const Input& input) {
  return fmt::format("{}{}.attention.sheet.png", layout.maps, input.name);
}

std::string thumbnail_name(const Input& input) {
  return fmt::format("thumbs/{}.jpg", input.name);
}

std::vector<std::string> output_names(const OutputLayout& layout, const Input& input) {
  std::vector<std::string> names;
  for (const std::string& method : layout.methods) {
    names.push_back(overlay_name(layout, input, method));
    if (layout.save_maps) names.push_back(map_name(layout, input, method));
    if (layout.save_gray_maps) names.push_back(gray_map_name(layout, input, method));
    if (layout.save_top_patches) names.push_back(top_patches_name(layout, input, method));
  }
  if (layout.panel) names.push_back(panel_name(layout, input));
  if (layout.attention_sheet) names.push_back(attention_sheet_name(layout, input));
  if (layout.thumbnails) names.push_back(thumbnail_name(input));
  return names;
}

void check_outputs(const OutputLayout& layout, std::vector<Input>& inputs) {
  std::unordered_map<std::string_view, const Input*> owners;
  for (const Input& input : inputs) {
    const auto [other, is_new] = owners.emplace(input.name, &input);
    if (!is_new) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{} and {} would both be written to {}", printable(other->second->path),
                              printable(input.path), printable(layout.folder / (layout.maps + input.name))),
                  "name a folder above both, whose paths tell them apart, or run them with another -o each");
    }
  }
  const auto input_files = files_of(inputs);
  for (Input& input : inputs) {
    for (const std::string& name : output_names(layout, input)) {
      const std::string output = (layout.folder / name).string();
      const auto id = file_id(output);
      if (!id) continue;
      if (const auto hit = input_files.find(*id); hit != input_files.end()) refuse_to_overwrite(output, hit->second);
    }
    check_length(layout, input);
  }
  check_class_methods(layout, inputs, input_files);
}

void check_not_input(const std::filesystem::path& output, std::span<const Input> inputs) {
  const auto id = file_id(output.string());
  if (!id) return;
  const auto input_files = files_of(inputs);
  if (const auto hit = input_files.find(*id); hit != input_files.end()) {
    refuse_to_overwrite(output.string(), hit->second);
  }
}

}  // namespace fovea
