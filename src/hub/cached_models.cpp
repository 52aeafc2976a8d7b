// What a cache holds, from its folders alone.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <system_error>

#include "fovea/hub.hpp"
#include "hub/cache.hpp"
#include "hub/listing.hpp"
#include "hub/wanted.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

/// As far as they can be read.
template <typename Iterator, typename Use>
void for_each_below(const fs::path& folder, const Use& use) {
  std::error_code failed;
  for (Iterator entry(folder, failed); !failed && entry != Iterator(); entry.increment(failed)) use(entry->path());
}

/// "models--ORG--NAME" to "ORG/NAME"; empty for other folders.
std::string repo_of(const std::string& folder) {
  constexpr std::string_view kModels = "models--";
  if (!folder.starts_with(kModels)) return {};
  const std::size_t between = folder.find("--", kModels.size());
  if (between == std::string::npos) return {};
  return folder.substr(kModels.size(), between - kModels.size()) + '/' + folder.substr(between + 2);
}

/// The branch or tag of each commit that has one.
std::map<std::string, std::string> revisions_of(const HubCache& cache) {
  std::map<std::string, std::string> revisions;
  const fs::path refs = cache.folder() / "refs";
  for_each_below<fs::recursive_directory_iterator>(refs, [&](const fs::path& ref) {
    std::error_code failed;
    if (!fs::is_regular_file(ref, failed)) return;
    const std::string revision = ref.lexically_relative(refs);
    if (const auto commit = cache.commit_of(revision)) revisions.emplace(*commit, revision);
  });
  return revisions;
}

bool is_part_of_weights(const fs::path& file) {
  constexpr std::string_view kEndings[] = {".safetensors", ".pth", ".pt", ".bin", ".npz", ".ckpt"};
  return std::find(std::begin(kEndings), std::end(kEndings), file.extension().string()) != std::end(kEndings);
}

}  // namespace

std::vector<CachedModel> cached_hub_models(const fs::path& cache) {
  std::vector<CachedModel> models;
  for_each_below<fs::directory_iterator>(cache, [&](const fs::path& folder) {
    const std::string repo = repo_of(folder.filename());
    if (repo.empty()) return;
    const HubCache one(cache, repo);
    const std::map<std::string, std::string> revisions = revisions_of(one);
    for_each_below<fs::directory_iterator>(folder / "snapshots", [&](const fs::path& snapshot) {
      const std::string commit = snapshot.filename();
      if (!is_commit(commit)) return;
      const auto revision = revisions.find(commit);
      CachedModel model{{repo, revision == revisions.end() ? commit : revision->second}, snapshot, commit, 0, false};
      bool weights = false;
      for (const std::string& name : one.names_in(commit)) {
        std::error_code failed;
        const auto size = fs::file_size(snapshot / name, failed);
        if (!failed) model.bytes += size;
        weights |= is_part_of_weights(name);
      }
      model.complete = look_into(one, repo, commit) != Cached::kNothing;
      if (weights) models.push_back(std::move(model));
    });
  });
  std::sort(models.begin(), models.end(), [](const CachedModel& a, const CachedModel& b) {
    return a.model.repo != b.model.repo ? a.model.repo < b.model.repo : a.model.revision < b.model.revision;
  });
  return models;
}

}  // namespace fovea
