#include "pipeline/outputs.hpp"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/files.hpp"

namespace fovea {
namespace {

// NAME_MAX of every Linux file system in use, less the ".XXXXXX" under which replace_file() begins.
constexpr std::size_t kLongestName = 255 - 7;  // bytes

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

void check_length(const OutputLayout& layout, Input& input) {
  if (input.failure) return;
  for (const std::string& name : output_names(layout, input)) {
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

std::string overlay_name(const OutputLayout& layout, const Input& input, std::string_view method) {
  return fmt::format("{}{}.{}.png", layout.maps, input.name, method);
}

std::string map_name(const OutputLayout& layout, const Input& input, std::string_view method) {
  return fmt::format("{}{}.{}.npy", layout.maps, input.name, method);
}

std::string thumbnail_name(const Input& input) {
  return fmt::format("thumbs/{}.jpg", input.name);
}

std::vector<std::string> output_names(const OutputLayout& layout, const Input& input) {
  std::vector<std::string> names;
  for (const std::string& method : layout.methods) {
    names.push_back(overlay_name(layout, input, method));
    if (layout.save_maps) names.push_back(map_name(layout, input, method));
  }
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
