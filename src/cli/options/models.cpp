#include "cli/options/models.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <regex>
#include <string_view>
#include <system_error>

#include "base/files.hpp"
#include "base/open_file.hpp"
#include "base/text.hpp"
#include "cli/options/hub_options.hpp"
#include "cli/terminal/model_list.hpp"
#include "cli/terminal/terminal.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/hub.hpp"
#include "pipeline/folder/inputs.hpp"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

bool looks_like_checkpoint(const fs::path& file) {
  constexpr std::array kExtensions{".safetensors", ".pth", ".pt", ".bin", ".npz", ".ckpt"};
  return std::ranges::find(kExtensions, file.extension().string()) != kExtensions.end();
}

bool is_checkpoint_file(const fs::path& file) {
  std::error_code failed;
  return looks_like_checkpoint(file) && fs::is_regular_file(file, failed);
}

/// As far as the folder can be read.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    entries.push_back(entry->path());
  }
  return entries;
}

bool holds_checkpoint(const fs::path& folder) {
  return std::ranges::any_of(entries_of(folder), is_checkpoint_file);
}

bool is_model_at(const fs::path& path) {
  std::error_code failed;
  return fs::is_directory(path, failed) ? holds_checkpoint(path) : is_checkpoint_file(path);
}

/// The model of this name in the first of the places that has one.
std::optional<fs::path> find_by_name(const std::string& name) {
  if (name.find('/') != std::string::npos || name.empty()) return std::nullopt;
  for (const fs::path& place : model_places()) {
    std::error_code failed;
    if (fs::is_directory(place / name, failed) || is_checkpoint_file(place / name)) return place / name;
  }
  return std::nullopt;
}

std::string places_text(const std::vector<fs::path>& places) {
  std::string text;
  for (const auto& place : places) text += (text.empty() ? "" : ", ") + printable(place);
  return text.empty() ? "no folder, because FOVEA_MODEL_PATH is not set" : text;
}

/// "OWNER/NAME" of a hub, as it is, or as browsers have it: "https://HOST/OWNER/NAME/tree/main".
struct MeantRepo {
  std::string repo;
  bool is_address = false;  // without it "OWNER/NAME" may be a path, too
};

std::optional<MeantRepo> meant_repo(const std::string& text) {
  static const std::regex kForm(
      R"((https?://[^/]+/)?(([A-Za-z0-9][\w.-]*)/[A-Za-z0-9][\w.-]*)(@[\w.-]+|/tree/.*|/blob/.*)?/?)");
  constexpr std::size_t kLongest = 512;  // std::regex recurses for each character
  std::smatch match;
  if (text.size() > kLongest || !std::regex_match(text, match, kForm)) return std::nullopt;
  MeantRepo meant{match[2], match[1].matched};
  std::error_code failed;
  if (!meant.is_address && (match[4].matched || fs::exists(match[3].str(), failed))) return std::nullopt;
  if (looks_like_image(meant.repo) || looks_like_checkpoint(meant.repo)) return std::nullopt;
  return meant;
}

std::string how_to_get(const MeantRepo& meant) {
  return fmt::format("{}-m hf:{} downloads it once and keeps it; `fovea models` lists what is there",
                     meant.is_address ? "" : "if it is a model of a hub, ", meant.repo);
}

/// "vit_base_patch16_224" or "vit_base_patch16_224.augreg_in1k": a name of timm, whose weights are on a hub.
bool is_timm_name(std::string_view name) {
  const std::vector<std::string> known = timm_architecture_names();
  return std::ranges::find(known, name.substr(0, name.find('.'))) != known.end();
}

std::string hint_for_missing_model(const std::string& text, const std::vector<std::string>& known) {
  const std::optional<MeantRepo> meant = meant_repo(text);
  if (meant && meant->is_address) return how_to_get(*meant);
  if (std::string hint = hint_for_missing(text); !hint.empty()) return hint;
  if (const auto close = nearest(text, known)) return fmt::format("did you mean '{}'?", *close);
  if (meant) return how_to_get(*meant);
  if (is_timm_name(text)) {
    if (text.find('.') != std::string::npos) return how_to_get({"timm/" + text, true});
    return how_to_get({"timm/" + text + ".TAG", true}) + "; TAG names the training, such as augreg2_in21k_ft_in1k";
  }
  constexpr const char* kFolder =
      "-m takes the folder of a model, with config.json and model.safetensors, or hf:ORG/NAME";
  return known.empty() ? kFolder : fmt::format("models with a name: {}; or {}", fmt::join(known, ", "), kFolder);
}

/// What is there, but can be no model.
void refuse_other_kinds(const fs::path& path) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) return;
  const std::string name = path.filename().string();
  if (name.ends_with(".json") && !name.ends_with(".index.json")) {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: is a model's configuration, expected its folder or its checkpoint", printable(path)),
                fmt::format("give -m {}", printable(folder)));
  }
  if (looks_like_image(name)) {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: is a picture, expected a model", printable(path)),
                "a model is a folder, a checkpoint file or a name; -m chooses it, and pictures are given without -m");
  }
}

/// As the cache has it, or downloaded now.
fs::path find_on_hub(const std::string& name, bool quiet) {
  const HubSnapshot snapshot = find_hub_model(parse_hub_model(name), hub_options(quiet));
  if (snapshot.downloaded > 0 && !quiet) Messages(false).note(pull_note(name, snapshot));
  return snapshot.folder;
}

}  // namespace

std::vector<fs::path> model_places() {
  std::vector<fs::path> places;
  const char* set = std::getenv("FOVEA_MODEL_PATH");
  std::string_view list = set == nullptr ? "" : set;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(':'), list.size());
    if (end > 0) places.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  std::error_code failed;
  const auto program = fs::read_symlink("/proc/self/exe", failed);
  if (!failed) {
    // A build folder has the layout of an installation.
    const auto installed = program.parent_path().parent_path() / "share" / "fovea" / "weights";
    if (fs::is_directory(installed, failed)) places.push_back(installed);
  }
  return places;
}

std::vector<NamedModel> named_models() {
  std::vector<NamedModel> models;
  for (const fs::path& place : model_places()) {
    for (const fs::path& entry : entries_of(place)) {
      if (is_model_at(entry)) models.push_back({printable(entry.filename()), entry});
    }
  }
  std::ranges::stable_sort(models, {}, &NamedModel::name);
  return models;
}

fs::path find_model(const std::string& name_or_path, bool quiet) {
  if (is_there(name_or_path)) {
    refuse_other_kinds(name_or_path);
    return name_or_path;
  }
  if (is_hub_name(name_or_path)) return find_on_hub(name_or_path, quiet);
  if (const auto named = find_by_name(name_or_path)) return *named;
  std::vector<std::string> names;
  for (NamedModel& model : named_models()) names.push_back(std::move(model.name));
  throw Error(ErrorCode::kNotFound,
              fmt::format("{}: no such model: neither a path nor a name in {}", printable(name_or_path),
                          places_text(model_places())),
              hint_for_missing_model(name_or_path, names));
}

bool is_model(const std::string& name_or_path) {
  std::error_code failed;
  if (fs::exists(name_or_path, failed)) return is_model_at(name_or_path);
  const auto named = find_by_name(name_or_path);
  return named && is_model_at(*named);
}

std::string hint_for_model(const std::string& name_or_path) {
  return fmt::format("-m {} chooses this model", printable(name_or_path));
}

}  // namespace fovea::cli
