// The cache of huggingface_hub, as version 2 lays it out:
//   models--ORG--NAME/refs/REV                 holds a commit
//                     snapshots/COMMIT/PATH  → ../../blobs/ETAG
//                     blobs/ETAG               a file's bytes, under its hash
//                     .no_exist/COMMIT/PATH    an empty file: this commit has no such file
//                     trees/COMMIT.json        all files of a commit
//   .locks/models--ORG--NAME/ETAG.lock         who has its flock may write the blob
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/hub.hpp"

namespace fovea {

class HubCache {
 public:
  HubCache(std::filesystem::path root, const std::string& repo);

  [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  [[nodiscard]] std::filesystem::path blobs() const { return folder_ / "blobs"; }
  [[nodiscard]] std::filesystem::path snapshot(const std::string& commit) const {
    return folder_ / "snapshots" / commit;
  }
  [[nodiscard]] std::filesystem::path lock(const std::string& etag) const;

  /// The commit of a revision as it was last seen; none if the cache does not know.
  [[nodiscard]] std::optional<std::string> commit_of(const std::string& revision) const;
  /// What a revision is now. Where the cache cannot be written, nothing happens: the files count.
  void remember_commit(const std::string& revision, const std::string& commit) const;
  /// That a commit lacks these files; nothing happens either.
  void remember_absent(const std::string& commit, std::span<const std::string> paths) const;

  /// Puts a blob into a snapshot: as a link, or as a file where links are not wanted or not possible.
  /// @param etag     names the blob, which is there
  /// @throws Error   kOutput
  void put_into(const std::string& commit, const std::string& path, const std::string& etag, bool symlinks) const;

  /// The names of the files directly in a snapshot that can be opened.
  [[nodiscard]] std::vector<std::string> names_in(const std::string& commit) const;
  /// The files of a commit, if the cache has their list; else none.
  [[nodiscard]] std::optional<std::vector<std::string>> listing_of(const std::string& commit) const;
  [[nodiscard]] bool is_absent(const std::string& commit, const std::string& path) const;

 private:
  std::filesystem::path root_;
  std::filesystem::path folder_;
};

/// "models--ORG--NAME"
[[nodiscard]] std::string cache_folder_name(const std::string& repo);

/// Makes folders below the cache, and the cache itself with the tag that backups know.
/// @throws Error  kOutput with a hint that is about the cache.
void make_cache_folders(const std::filesystem::path& root, const std::filesystem::path& folder);
/// @throws Error  kOutput for the errno of a file of the cache
[[noreturn]] void fail_in_cache(const std::filesystem::path& path, int error_number);

}  // namespace fovea
