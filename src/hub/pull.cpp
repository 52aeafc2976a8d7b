// A model of a hub: what of it is needed, what of that is missing, and where it lies then.
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <regex>
#include <system_error>
#include <utility>

#include "base/files.hpp"
#include "checkpoint/formats/sharded.hpp"
#include "fovea/error.hpp"
#include "fovea/hub.hpp"
#include "hub/cache.hpp"
#include "hub/download.hpp"
#include "hub/http.hpp"
#include "hub/listing.hpp"
#include "hub/wanted.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefixes[] = {"hf://", "hf:", "hf-hub:", "hf_hub:"};

std::string_view prefix_of(std::string_view name) noexcept {
  for (const std::string_view prefix : kPrefixes) {
    if (name.starts_with(prefix)) return prefix;
  }
  return {};
}

bool is_repo(const std::string& text) {
  static const std::regex kRepo(R"([A-Za-z0-9_][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95})");
  return text.size() <= 256 && std::regex_match(text, kRepo) && text.find("--") == std::string::npos &&
         text.find("..") == std::string::npos && !text.ends_with(".git");
}

bool is_revision(const std::string& text) {
  static const std::regex kRevision(R"([\w.][\w./+-]{0,255})");
  return text.size() <= 256 && std::regex_match(text, kRevision) && is_inner_path(text) &&
         text.find("..") == std::string::npos;
}

std::uint64_t size_at(const fs::path& path) {
  std::error_code failed;
  const auto size = fs::file_size(path, failed);
  return failed ? 0 : size;
}

/// One pull under way.
class Pull {
 public:
  Pull(const HubModel& model, const HubOptions& options)
      : model_(model), options_(options), cache_(options.cache, model.repo), client_(options) {}

  HubSnapshot run() {
    const std::string commit = ask_commit(client_, model_, options_);
    listed_ = ask_files(client_, model_, commit, options_);
    std::vector<std::string> paths;
    for (const HubFile& file : listed_) paths.push_back(file.path);
    const WantedFiles wanted = wanted_files(model_.repo, paths, options_.include);
    snapshot_ = {cache_.snapshot(commit), commit, 0, 0, 0};
    const Download download{client_, cache_, model_, options_, commit};
    bring(download, wanted.paths);
    if (wanted.checkpoint.ends_with(".json")) bring(download, shard_names(snapshot_.folder / wanted.checkpoint));
    cache_.remember_absent(commit, wanted.absent);
    cache_.remember_commit(model_.revision, commit);
    return snapshot_;
  }

 private:
  [[nodiscard]] const HubFile& listed(const std::string& path) const {
    const auto found =
        std::find_if(listed_.begin(), listed_.end(), [&](const HubFile& file) { return file.path == path; });
    if (found != listed_.end()) return *found;
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: the model has no file {}, which its index names", model_.repo, printable(path)),
                "the model on the hub is not complete: tell its authors");
  }

  void bring(const Download& download, const std::vector<std::string>& paths) {
    std::uint64_t missing = 0;
    for (const std::string& path : paths) {
      const HubFile& file = listed(path);
      const fs::path blob = cache_.blobs() / file.etag;
      const std::uint64_t there =
          std::max({size_at(snapshot_.folder / path), size_at(blob), size_at(blob.native() + ".incomplete")});
      missing += file.size - std::min(there, file.size);
      total_ += file.size;
    }
    require_room(missing);
    for (const std::string& path : paths) bring(download, listed(path));
  }

  void bring(const Download& download, const HubFile& file) {
    const auto tell = [&](std::uint64_t done, bool waiting) {
      if (options_.on_progress) options_.on_progress({file.path, snapshot_.bytes + done, total_, waiting});
    };
    if (!has_hash(snapshot_.folder / file.path, file)) {
      snapshot_.downloaded += download_blob(download, file, tell);
      cache_.put_into(download.commit, file.path, file.etag, options_.symlinks);
    }
    tell(file.size, false);
    snapshot_.bytes += file.size;
    ++snapshot_.files;
  }

  void require_room(std::uint64_t bytes) const {
    fs::path there = fs::absolute(options_.cache);
    std::error_code ignored;
    while (!fs::exists(there, ignored) && there.has_relative_path()) there = there.parent_path();
    struct statvfs disk {};
    if (bytes == 0 || ::statvfs(there.c_str(), &disk) != 0) return;
    const std::uint64_t room = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    if (room >= bytes) return;
    throw Error(ErrorCode::kOutput,
                fmt::format("{}: the disk has room for {:.1f} MB, expected {:.1f} MB for {}", printable(options_.cache),
                            static_cast<double>(room) / 1e6, static_cast<double>(bytes) / 1e6, model_.repo),
                "free some space; HF_HOME names another folder for what is downloaded");
  }

  const HubModel& model_;
  const HubOptions& options_;
  HubCache cache_;
  HttpClient client_;
  std::vector<HubFile> listed_;
  HubSnapshot snapshot_;
  std::uint64_t total_ = 0;  // bytes
};

void check(const HubModel& model, const HubOptions& options) {
  if (!is_repo(model.repo) || !is_revision(model.revision)) {
    static_cast<void>(parse_hub_model(fmt::format("{}@{}", model.repo, model.revision)));
  }
  if (options.cache.empty()) throw Error(ErrorCode::kUsage, "the hub's cache is no folder, expected one");
}

/// None where the cache has not all of it.
std::optional<HubSnapshot> cached(const HubModel& model, const HubOptions& options) {
  const HubCache cache(options.cache, model.repo);
  const auto commit = cache.commit_of(model.revision);
  if (!commit) return std::nullopt;
  const Cached state = look_into(cache, model.repo, *commit);
  if (state == Cached::kNothing || (state == Cached::kProbably && !options.offline)) return std::nullopt;
  HubSnapshot snapshot{cache.snapshot(*commit), *commit, 0, 0, 0};
  for (const std::string& name : cache.names_in(*commit)) {
    snapshot.bytes += size_at(snapshot.folder / name);
    ++snapshot.files;
  }
  return snapshot;
}

}  // namespace

bool is_hub_name(std::string_view name) noexcept {
  return !prefix_of(name).empty();
}

HubModel parse_hub_model(std::string_view name) {
  const std::string text(name.substr(prefix_of(name).size()));
  const std::size_t at = text.find('@');
  HubModel model;
  model.repo = text.substr(0, at);
  if (at != std::string::npos) model.revision = text.substr(at + 1);
  const std::string shown = printable(std::string(name.substr(0, 300)));
  if (!is_repo(model.repo)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' names no model of a hub, expected ORG/NAME or ORG/NAME@REV", shown),
                "for example hf:google/vit-base-patch16-224");
  }
  if (!is_revision(model.revision)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' has no revision behind its @, expected a branch, a tag or a commit", shown),
                "without @REV it is the branch main");
  }
  return model;
}

HubSnapshot find_hub_model(const HubModel& model, const HubOptions& options) {
  check(model, options);
  if (auto snapshot = cached(model, options)) return *snapshot;
  if (!options.offline) return Pull(model, options).run();
  throw Error(ErrorCode::kNotFound,
              fmt::format("hf:{}: is not in the cache {}, expected there, as the hub may not be asked", model.repo,
                          printable(options.cache)),
              fmt::format("`fovea pull {}` downloads it where HF_HUB_OFFLINE is not set", model.repo));
}

HubSnapshot pull_model(const HubModel& model, const HubOptions& options) {
  check(model, options);
  return options.offline ? find_hub_model(model, options) : Pull(model, options).run();
}

}  // namespace fovea
