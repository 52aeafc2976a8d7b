#include "hub/cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <string_view>
#include <system_error>

#include "base/files.hpp"
#include "hub/listing.hpp"

namespace fovea {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kTagName = "CACHEDIR.TAG";
constexpr std::string_view kTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This folder holds models of a hub. What is removed is downloaded again.\n";

constexpr const char* kAnotherPlace = "HF_HOME names another folder for what is downloaded";

/// "../../blobs/ETAG", with one more ".." for each folder in the path.
fs::path link_to(const std::string& path, const std::string& etag) {
  fs::path target = "../../blobs";
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    target = ".." / target;
  }
  return target / etag;
}

/// A name beside a place, which nobody else has, for what then takes it in one step.
fs::path beside(const fs::path& place) {
  return fmt::format("{}.{:08x}.tmp", place.native(), std::random_device{}());
}

/// @return  0, or the errno
int take_place(const fs::path& made, const fs::path& place) {
  if (::rename(made.c_str(), place.c_str()) == 0) return 0;
  const int error = errno;
  ::unlink(made.c_str());
  return error;
}

int make_link(const fs::path& target, const fs::path& place) {
  if (::symlink(target.c_str(), place.c_str()) == 0) return 0;
  if (errno != EEXIST) return errno;
  const fs::path made = beside(place);
  return ::symlink(target.c_str(), made.c_str()) == 0 ? take_place(made, place) : errno;
}

/// A second name of the blob's file; where the disk has none, the blob itself.
int make_file(const fs::path& blob, const fs::path& place) {
  const fs::path made = beside(place);
  if (::linkat(AT_FDCWD, blob.c_str(), AT_FDCWD, made.c_str(), AT_SYMLINK_FOLLOW) == 0) {
    return take_place(made, place);
  }
  std::error_code failed;
  if (!fs::is_symlink(blob, failed)) return ::rename(blob.c_str(), place.c_str()) == 0 ? 0 : errno;
  fs::copy_file(blob, made, failed);
  return failed ? failed.value() : take_place(made, place);
}

}  // namespace

std::string cache_folder_name(const std::string& repo) {
  const std::size_t slash = repo.find('/');
  return fmt::format("models--{}--{}", repo.substr(0, slash), repo.substr(slash + 1));
}

void fail_in_cache(const fs::path& path, int error_number) {
  const bool lacks_room = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  throw Error(ErrorCode::kOutput,
              fmt::format("{}: cannot be written: {}", printable(path), std::generic_category().message(error_number)),
              lacks_room ? fmt::format("free some space; {}", kAnotherPlace) : kAnotherPlace);
}

void make_cache_folders(const fs::path& root, const fs::path& folder) {
  try {
    const bool is_new = !fs::exists(root / kTagName);
    make_folders(folder);
    if (is_new) replace_file(root / kTagName, kTag);
  } catch (const Error& error) {
    throw Error(error.code(), error.what(), kAnotherPlace);
  } catch (const fs::filesystem_error& error) {
    fail_in_cache(root, error.code().value());
  }
}

HubCache::HubCache(fs::path root, const std::string& repo)
    : root_(std::move(root)), folder_(root_ / cache_folder_name(repo)) {}

fs::path HubCache::lock(const std::string& etag) const {
  return root_ / ".locks" / folder_.filename() / (etag + ".lock");
}

std::optional<std::string> HubCache::commit_of(const std::string& revision) const {
  if (is_commit(revision)) return revision;
  try {
    std::string commit = read_text_file(folder_ / "refs" / revision);
    while (commit.ends_with('\n')) commit.pop_back();
    if (is_commit(commit)) return commit;
  } catch (const Error&) {
    // not known
  }
  return std::nullopt;
}

void HubCache::remember_commit(const std::string& revision, const std::string& commit) const {
  if (commit_of(revision) == commit) return;
  try {
    replace_file(folder_ / "refs" / revision, commit);
  } catch (const Error&) {
    // a cache that may only be read
  }
}

void HubCache::remember_absent(const std::string& commit, std::span<const std::string> paths) const {
  try {
    for (const std::string& path : paths) {
      if (!is_absent(commit, path)) replace_file(folder_ / ".no_exist" / commit / path, std::string_view());
    }
  } catch (const Error&) {
    // as above
  }
}

bool HubCache::is_absent(const std::string& commit, const std::string& path) const {
  std::error_code failed;
  return fs::exists(folder_ / ".no_exist" / commit / path, failed);
}

void HubCache::put_into(const std::string& commit, const std::string& path, const std::string& etag,
                        bool symlinks) const {
  const fs::path place = snapshot(commit) / path;
  const fs::path blob = blobs() / etag;
  std::error_code failed;
  const bool same = fs::equivalent(place, blob, failed);
  if (!failed && same) return;
  make_cache_folders(root_, place.parent_path());
  int error = symlinks ? make_link(link_to(path, etag), place) : EPERM;
  const bool has_no_links = error == EPERM || error == ENOTSUP || error == ENOSYS;
  if (has_no_links) error = make_file(blob, place);
  if (error != 0) fail_in_cache(place, error);
}

std::vector<std::string> HubCache::names_in(const std::string& commit) const {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator entry(snapshot(commit), failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    std::error_code dangling;
    if (entry->is_regular_file(dangling)) names.push_back(entry->path().filename());
  }
  return names;
}

std::optional<std::vector<std::string>> HubCache::listing_of(const std::string& commit) const {
  try {
    std::vector<std::string> paths = listed_paths(read_text_file(folder_ / "trees" / (commit + ".json")));
    if (!paths.empty()) return paths;
  } catch (const Error&) {
    // the library writes it for whole snapshots only
  }
  return std::nullopt;
}

}  // namespace fovea
