#include "hub/wanted.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/files.hpp"
#include "checkpoint/formats/sharded.hpp"
#include "fovea/error.hpp"
#include "model/config/weights_file.hpp"
#include "model/quantize/quantized_file.hpp"

namespace fovea {
namespace {

bool has_name(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The files that lie directly in the model's folder.
std::vector<std::string> names_of(std::span<const std::string> paths) {
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    if (path.find('/') == std::string::npos) names.push_back(path);
  }
  return names;
}

std::string checkpoint_among(const std::string& repo, const std::vector<std::string>& names) {
  return choose_checkpoint(
      {repo, [&](const char* file) { return has_name(names, file); }, [&] { return names; },
       fmt::format("`fovea pull {} --include FILE` downloads one of them; then give -m the path of "
                   "this file",
                   repo)});
}

std::vector<std::string> matches(std::span<const std::string> paths, const std::string& pattern,
                                 const std::string& repo) {
  std::vector<std::string> found;
  for (const std::string& path : paths) {
    if (::fnmatch(pattern.c_str(), path.c_str(), 0) == 0 && !is_code(path)) found.push_back(path);
  }
  if (found.empty()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--include '{}' matches no file of {}, expected at least one", pattern, repo),
                "* matches any letters, slashes too; programs and scripts are never downloaded");
  }
  return found;
}

/// The shards that an index names are all there; so is a file that is no index.
bool has_shards(const HubCache& cache, const std::string& commit, const std::string& checkpoint,
                const std::vector<std::string>& names) {
  if (!checkpoint.ends_with(".json")) return true;
  const std::vector<std::string> shards = shard_names(cache.snapshot(commit) / checkpoint);
  return std::all_of(shards.begin(), shards.end(), [&](const std::string& shard) { return has_name(names, shard); });
}

}  // namespace

bool is_code(std::string_view path) {
  constexpr std::array kEndings{".py", ".pyc", ".ipynb", ".so", ".sh", ".js", ".exe", ".dll", ".jar", ".bat"};
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view end) { return path.ends_with(end); });
}

WantedFiles wanted_files(const std::string& repo, std::span<const std::string> paths,
                         std::span<const std::string> include) {
  const std::vector<std::string> names = names_of(paths);
  WantedFiles wanted;
  for (const std::string& pattern : include) {
    for (std::string& path : matches(paths, pattern, repo)) {
      if (!has_name(wanted.paths, path)) wanted.paths.push_back(std::move(path));
    }
  }
  try {
    wanted.checkpoint = checkpoint_among(repo, names);
  } catch (const Error&) {
    if (include.empty()) throw;  // else the patterns choose
  }
  for (std::string& name : read_beside(names, wanted.checkpoint)) {
    if (!has_name(wanted.paths, name)) wanted.paths.push_back(std::move(name));
  }
  if (!wanted.checkpoint.empty() && !has_name(wanted.paths, wanted.checkpoint)) {
    wanted.paths.push_back(wanted.checkpoint);
  }
  for (const char* config : kConfigFiles) {
    if (!has_name(names, config)) wanted.absent.emplace_back(config);
  }
  return wanted;
}

Cached look_into(const HubCache& cache, const std::string& repo, const std::string& commit) {
  const std::vector<std::string> names = cache.names_in(commit);
  try {
    const auto listing = cache.listing_of(commit);
    const WantedFiles wanted = wanted_files(repo, listing ? *listing : names, {});
    const bool has_paths = std::all_of(wanted.paths.begin(), wanted.paths.end(),
                                       [&](const std::string& path) { return has_name(names, path); });
    if (!has_paths || !has_shards(cache, commit, wanted.checkpoint, names)) return Cached::kNothing;
    if (listing) return Cached::kAll;
    const bool absence_known = std::all_of(wanted.absent.begin(), wanted.absent.end(),
                                           [&](const std::string& path) { return cache.is_absent(commit, path); });
    return absence_known ? Cached::kAll : Cached::kProbably;
  } catch (const Error&) {
    return Cached::kNothing;
  }
}

}  // namespace fovea
