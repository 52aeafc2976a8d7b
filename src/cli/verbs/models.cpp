#include "cli/verbs/models.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "base/files.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea::cli {
namespace {

/// Whether `-m` may be meant to name it: a folder, or a file that is called as checkpoints are.
bool may_be_model(const std::filesystem::directory_entry& entry) {
  constexpr std::array kExtensions{".safetensors", ".pth", ".pt", ".bin", ".npz", ".ckpt"};
  std::error_code failed;
  if (entry.is_directory(failed)) return true;
  return std::ranges::find(kExtensions, entry.path().extension().string()) != kExtensions.end();
}

std::vector<std::string> names_in(const std::vector<std::filesystem::path>& places) {
  std::vector<std::string> names;
  for (const auto& place : places) {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(place, failed)) {
      if (may_be_model(entry)) names.push_back(entry.path().filename().string());
    }
  }
  return names;
}

std::string places_text(const std::vector<std::filesystem::path>& places) {
  std::string text;
  for (const auto& place : places) text += (text.empty() ? "" : ", ") + printable(place);
  return text.empty() ? "no folder, because FOVEA_MODEL_PATH is not set" : text;
}

}  // namespace

std::vector<std::filesystem::path> model_places() {
  std::vector<std::filesystem::path> places;
  const char* set = std::getenv("FOVEA_MODEL_PATH");
  std::string_view list = set == nullptr ? "" : set;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(':'), list.size());
    if (end > 0) places.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  std::error_code failed;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (!failed) {
    // A build folder has the layout of an installation.
    const auto installed = program.parent_path().parent_path() / "share" / "fovea" / "weights";
    if (std::filesystem::is_directory(installed, failed)) places.push_back(installed);
  }
  return places;
}

std::filesystem::path find_model(const std::string& name_or_path) {
  std::error_code failed;
  if (std::filesystem::exists(name_or_path, failed)) return name_or_path;
  const auto places = model_places();
  if (name_or_path.find('/') == std::string::npos && !name_or_path.empty()) {
    for (const auto& place : places) {
      if (std::filesystem::exists(place / name_or_path, failed)) return place / name_or_path;
    }
  }
  const std::vector<std::string> known = names_in(places);
  throw Error(
      ErrorCode::kNotFound,
      fmt::format("{}: no such model: neither a path nor a name in {}", printable(name_or_path), places_text(places)),
      known.empty() ? "give -m the folder of a model, with config.json and model.safetensors"
                    : did_you_mean(name_or_path, known));
}

}  // namespace fovea::cli
