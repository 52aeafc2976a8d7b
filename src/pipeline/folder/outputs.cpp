#include "pipeline/folder/outputs.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/files.hpp"
#include "fovea/explain.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

// NAME_MAX and PATH_MAX of every Linux file system in use. The name under which a file is begun is no longer.
constexpr std::size_t kLongestName = 255;   // bytes
constexpr std::size_t kLongestPath = 4095;  // bytes

// After the method's name: the longest text that class indices make.
constexpr const char* kLongestTarget = ".1000000-1000000";

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
  for (const std::string_view ending : {".map.png", ".png", ".webp", ".jpg", ".npy", ".json"}) {
    if (!name.ends_with(ending)) continue;
    name.remove_suffix(ending.size());
    const std::size_t end = name.find_last_not_of("0123456789-");
    return std::string(name.substr(0, end == std::string_view::npos ? 0 : end));  // without the dot
  }
  return std::string(name);
}

/// A map of some class would be written over a file that is read: which class is known only when the model has run.
void check_class_methods(const OutputLayout& layout, std::span<const Input> inputs, const RunFiles& files) {
  if (layout.class_methods.empty()) return;
  std::set<std::string> stems;  // of the files that will be there
  for (const Input& input : inputs) {
    for (const std::string& method : layout.class_methods)
      stems.insert(layout.maps + input.name + '.' + layout.stem(method, {}));
  }
  const std::filesystem::path folder = std::filesystem::weakly_canonical(layout.folder);
  for (const auto& [id, file] : files.all_read()) {
    const std::filesystem::path inside = std::filesystem::weakly_canonical(file.path).lexically_relative(folder);
    if (stems.contains(before_target(inside.string()))) RunFiles::refuse(printable(layout.folder / inside), file);
  }
}

void check_length(const OutputLayout& layout, Input& input) {
  if (input.failure) return;
  std::vector<std::string> names = output_names(layout, input);
  for (const std::string& method : layout.class_methods) {
    names.push_back(overlay_name(layout, input, layout.stem(method, {}) + kLongestTarget));
    if (layout.save_gray_maps) names.push_back(gray_map_name(layout, input, layout.stem(method, {}) + kLongestTarget));
    if (layout.save_top_patches)
      names.push_back(top_patches_name(layout, input, layout.stem(method, {}) + kLongestTarget));
  }
  const auto refuse = [&](std::string_view what, std::size_t bytes, std::size_t most) {
    input.failure = Failure{ErrorCode::kOutput,
                            fmt::format("{}: {} of the output file is {} bytes, expected at most {}",
                                        printable(input.path), what, bytes, most),
                            "`fovea classify` makes no file for each input"};
  };
  for (const std::string& name : names) {
    if (const std::size_t bytes = longest_part(name); bytes > kLongestName) return refuse("name", bytes, kLongestName);
    const std::size_t bytes = (layout.folder / name).native().size();
    if (bytes > kLongestPath) return refuse("path", bytes, kLongestPath);
  }
}

}  // namespace

std::string OutputLayout::stem(std::string_view method, const std::optional<MapTarget>& target) const {
  const bool libra = libra_gradients && explain_method(method).needs.reads_gradients();
  return map_stem(std::string(method) + (libra ? "-libra" : ""), target);
}

std::string map_stem(std::string_view method, const std::optional<MapTarget>& target) {
  if (!target) return std::string(method);
  const std::string contrast = target->against ? fmt::format("-{}", target->against->class_index) : "";
  return fmt::format("{}.{}{}", method, target->class_index, contrast);
}

std::string overlay_name(const OutputLayout& layout, const Input& input, std::string_view stem) {
  return fmt::format("{}{}.{}{}", layout.maps, input.name, stem, extension(layout.format));
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
  return fmt::format("{}{}.panel{}", layout.maps, input.name, extension(layout.format));
}

std::string attention_sheet_name(const OutputLayout& layout, const Input& input) {
  return fmt::format("{}{}.attention.sheet{}", layout.maps, input.name, extension(layout.format));
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

std::vector<std::string> files_of(const Record& record) {
  std::vector<std::string> names;
  const auto add = [&](const std::optional<std::string>& name) {
    if (name) names.push_back(*name);
  };
  for (const MapRecord& map : record.maps) {
    for (const auto* name : {&map.overlay, &map.map, &map.gray_map, &map.top_patches}) add(*name);
  }
  for (const auto* name : {&record.panel, &record.attention_sheet, &record.thumbnail}) add(*name);
  return names;
}

void check_outputs(const OutputLayout& layout, std::vector<Input>& inputs, const RunFiles& files) {
  std::unordered_map<std::string_view, const Input*> owners;
  for (const Input& input : inputs) {
    if (input.name.empty()) continue;  // an earlier run's failure: it made no file
    const auto [other, is_new] = owners.emplace(input.name, &input);
    if (!is_new) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{} and {} would both be written to {}", printable(other->second->path),
                              printable(input.path), printable(layout.folder / (layout.maps + input.name))),
                  "name a folder above both, whose paths tell them apart, or run them with another -o each");
    }
  }
  for (Input& input : inputs) {
    for (const std::string& name : output_names(layout, input)) files.require_unread(layout.folder / name);
    check_length(layout, input);
  }
  check_class_methods(layout, inputs, files);
}

}  // namespace fovea
