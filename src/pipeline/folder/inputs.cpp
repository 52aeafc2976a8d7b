#include "pipeline/folder/inputs.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "base/files.hpp"
#include "base/text.hpp"
#include "image/codec/codec.hpp"
#include "pipeline/archive/archive_inputs.hpp"
#include "pipeline/archive/unpacked.hpp"

namespace fovea {
namespace {

/// Which folder this is, however it is spelled.
using FolderId = std::pair<dev_t, ino_t>;

std::optional<struct stat> status_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status;
}

/// A name in a folder.
struct FolderEntry {
  std::string name;
  bool is_folder = false;  // as the folder itself says; links and some file systems leave this open
  friend bool operator<(const FolderEntry& a, const FolderEntry& b) { return natural_less(a.name, b.name); }
};

/// In lower case with the dot; empty where there is none.
std::string extension_of(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? std::string{} : to_lower(name.substr(dot));
}

/// "photos/x.png///" → "x.png"
std::string base_name(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  return std::string(slash == std::string_view::npos || path.size() == 1 ? path : path.substr(slash + 1));
}

std::string joined(const std::string& folder, const std::string& entry) {
  return folder.empty() || folder.back() == '/' ? folder + entry : folder + "/" + entry;
}

bool is_below(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const auto [rest, _] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return rest == folder.end();
}

std::ptrdiff_t count_of(std::string_view text, std::string_view part) {
  std::ptrdiff_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

class Lister {
 public:
  /// @param opens_archives  false where only folders are asked for: an archive's headers are then not read again
  explicit Lister(const InputOptions& options, bool opens_archives = true)
      : options_(options), opens_archives_(opens_archives) {
    if (options.output_folder.empty()) return;
    const auto status = status_of(options.output_folder.string());
    if (!status || !S_ISDIR(status->st_mode)) return;
    std::error_code failed;
    output_ = std::filesystem::canonical(options.output_folder, failed);
    output_id_ = FolderId{status->st_dev, status->st_ino};
  }

  void add_argument(const std::string& argument) {
    if (argument == kStandardInput) {
      if (std::exchange(has_standard_input_, true)) {
        throw Error(ErrorCode::kUsage, "standard input ('-') is given 2 times, expected once");
      }
      inputs_.push_back({argument, "stdin", std::nullopt});
      return;
    }
    const auto status = status_of(argument);
    const std::string name = base_name(argument);
    if (status && S_ISREG(status->st_mode) && looks_like_tar(name)) {
      if (add_archive(argument, name)) return;
      add_failure(argument, name, fmt::format("{}: the archive holds no picture, expected some", printable(argument)),
                  "");
    } else if (!status || !S_ISDIR(status->st_mode)) {
      inputs_.push_back({argument, name, std::nullopt});
    } else if (!options_.recurse && argument.back() != '/' && looks_like_image(name)) {
      add_folder_like_image(argument, name);
    } else if (!is_below_output(argument)) {
      list_folder(argument, "", {status->st_dev, status->st_ino});
    }
  }

  [[nodiscard]] std::vector<Input> take() { return std::move(inputs_); }
  [[nodiscard]] std::vector<std::string> unread_archives() const { return unread_archives_; }
  [[nodiscard]] std::size_t skipped_folders() const { return skipped_folders_; }
  [[nodiscard]] std::vector<std::string> skipped_extensions() const { return {skipped_.begin(), skipped_.end()}; }

 private:
  [[nodiscard]] bool is_below_output(const std::string& folder) const {
    if (output_.empty()) return false;
    std::error_code failed;
    const auto path = std::filesystem::canonical(folder, failed);
    return !failed && is_below(path, output_);
  }

  void add_failure(const std::string& path, const std::string& name, std::string message, std::string hint) {
    inputs_.push_back({path, name, Failure{ErrorCode::kUnreadable, std::move(message), std::move(hint)}});
  }

  /// Whether it gives any input.
  bool add_archive(const std::string& path, const std::string& name) {
    if (!opens_archives_) return true;
    std::vector<Input> members = list_archive(path, name, options_.label_key, unpacked_);
    std::move(members.begin(), members.end(), std::back_inserter(inputs_));
    return !members.empty();
  }

  void add_folder_like_image(const std::string& path, const std::string& name) {
    add_failure(path, name, fmt::format("{}: is a folder, expected an image file", printable(path)),
                "-r reads the pictures in folders");
  }

  /// @param relative  of the folder to its argument, with a slash at the end, or empty.
  void list_folder(const std::string& folder, const std::string& relative, FolderId id) {
    // A folder that is reached through a link to one of its own parents would never end.
    if (id == output_id_ || std::find(open_.begin(), open_.end(), id) != open_.end()) return;
    std::vector<FolderEntry> entries;
    const std::string name = relative.empty() ? base_name(folder) : relative.substr(0, relative.size() - 1);
    if (const int error = read_entries(folder, entries); error != 0) return add_unread_folder(folder, name, error);
    // A folder may be listed and yet not searched: then no file in it can be opened.
    if (!entries.empty() && ::faccessat(AT_FDCWD, folder.c_str(), X_OK, AT_EACCESS) != 0) {
      return add_unread_folder(folder, name, errno);
    }
    open_.push_back(id);
    for (const FolderEntry& entry : entries) add_entry(joined(folder, entry.name), relative + entry.name, entry);
    open_.pop_back();
  }

  void add_unread_folder(const std::string& folder, const std::string& name, int error) {
    add_failure(folder, name, fmt::format("{}: folder cannot be read: {}", printable(folder), std::strerror(error)),
                error == EACCES ? "reading a folder needs the permissions r and x" : "");
  }

  void add_entry(const std::string& path, const std::string& name, const FolderEntry& entry) {
    const auto status = status_of(path);
    if (!status && entry.is_folder && options_.recurse) return add_unread_folder(path, name, errno);
    if (!status || !S_ISDIR(status->st_mode)) {
      if (looks_like_image(entry.name)) {
        inputs_.push_back({path, name, std::nullopt});
        return;
      }
      if (status && S_ISREG(status->st_mode) && looks_like_tar(entry.name)) {
        if (!looks_compressed(entry.name) && add_archive(path, name)) return;
        unread_archives_.push_back(path);
      }
      if (std::string extension = extension_of(entry.name); !extension.empty()) {
        skipped_.insert(std::move(extension));
      }
      return;
    }
    if (!options_.recurse) {
      if (looks_like_image(entry.name)) {
        add_folder_like_image(path, name);
      } else if (FolderId{status->st_dev, status->st_ino} != output_id_) {
        ++skipped_folders_;
      }
      return;
    }
    const FolderId id{status->st_dev, status->st_ino};
    const std::size_t before = inputs_.size();
    list_folder(path, name + "/", id);
    // It looked like a picture and gave none: say so, as for any other file that only looks like one.
    if (inputs_.size() == before && looks_like_image(entry.name) && id != output_id_) {
      add_failure(path, name, fmt::format("{}: is a folder without pictures, expected an image file", printable(path)),
                  "");
    }
  }

  /// Visible entries in natural order; an errno, or 0.
  static int read_entries(const std::string& folder, std::vector<FolderEntry>& entries) {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()), ::closedir);
    if (!stream) return errno;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
      if (entry->d_name[0] != '.') entries.push_back({entry->d_name, entry->d_type == DT_DIR});
    }
    if (errno != 0) return errno;
    std::sort(entries.begin(), entries.end());
    return 0;
  }

  InputOptions options_;
  bool opens_archives_;
  std::shared_ptr<UnpackedArchives> unpacked_ = std::make_shared<UnpackedArchives>();
  std::filesystem::path output_;
  FolderId output_id_{};
  bool has_standard_input_ = false;
  std::vector<FolderId> open_;  // the folders from the argument down to here
  std::vector<Input> inputs_;
  std::vector<std::string> unread_archives_;
  std::set<std::string> skipped_;  // extensions of no picture
  std::size_t skipped_folders_ = 0;
};

}  // namespace

bool looks_like_image(std::string_view name) {
  const auto known = image_extensions();
  return std::find(known.begin(), known.end(), extension_of(name)) != known.end();
}

std::vector<Input> list_inputs(std::span<const std::string> arguments, const InputOptions& options,
                               std::vector<std::string>* unread) {
  Lister lister(options);
  for (const std::string& argument : arguments) lister.add_argument(argument);
  if (unread != nullptr) *unread = lister.unread_archives();
  return lister.take();
}

std::string unread_remark(std::span<const std::string> unread) {
  return unread.empty() ? std::string()
                        : fmt::format("{} in folders {}, such as {}",
                                      unread.size() == 1 ? "1 archive" : fmt::format("{} archives", unread.size()),
                                      unread.size() == 1 ? "gives no picture" : "give no pictures",
                                      printable(unread.front()));
}

std::vector<std::string> skipped_extensions(std::span<const std::string> arguments, const InputOptions& options) {
  Lister lister(options);
  for (const std::string& argument : arguments) lister.add_argument(argument);
  return lister.skipped_extensions();
}

std::size_t count_skipped_folders(const std::string& folder, const InputOptions& options) {
  Lister lister(options, false);
  lister.add_argument(folder);
  return lister.skipped_folders();
}

std::vector<std::string> split_list(std::string_view list, bool nul) {
  const char end = nul ? '\0' : '\n';
  // A name may end with a carriage return, so a list is one of Windows' only if all its lines end with one.
  const auto newlines = std::count(list.begin(), list.end(), '\n');
  const bool windows = !nul && newlines > 0 && count_of(list, "\r\n") == newlines;
  std::vector<std::string> entries;
  while (!list.empty()) {
    const auto at = std::min(list.find(end), list.size());
    std::string_view entry = list.substr(0, at);
    if (windows && entry.ends_with('\r')) entry.remove_suffix(1);
    if (!entry.empty()) entries.emplace_back(entry);
    list.remove_prefix(std::min(at + 1, list.size()));
  }
  return entries;
}

}  // namespace fovea
