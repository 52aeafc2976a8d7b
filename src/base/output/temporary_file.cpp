#include "base/output/temporary_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.hpp"

namespace fovea {
namespace {

constexpr std::string_view kBegin = ".fovea-";
constexpr std::string_view kEnd = ".tmp";
constexpr std::size_t kDigits = 16;

std::string new_name() {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) {
    throw Error(ErrorCode::kOutput, "getrandom: the system gives no random numbers");
  }
  return fmt::format("{}{:016x}{}", kBegin, random, kEnd);
}

bool is_temporary_name(std::string_view name) {
  if (name.size() != kBegin.size() + kDigits + kEnd.size() || !name.starts_with(kBegin) || !name.ends_with(kEnd)) {
    return false;
  }
  const std::string_view digits = name.substr(kBegin.size(), kDigits);
  return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void remove_if_abandoned(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return;
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  ::close(file);
}

void remove_abandoned(const std::filesystem::path& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.empty() ? "." : folder.c_str()), ::closedir);
  if (!stream) return;
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    if (is_temporary_name(entry->d_name)) names.emplace_back(entry->d_name);
  }
  for (const std::string& name : names) remove_if_abandoned(folder / name);
}

void remove_abandoned_once(const std::filesystem::path& folder) {
  static std::mutex mutex;
  static std::set<std::filesystem::path> seen;
  const std::lock_guard lock(mutex);
  if (seen.insert(folder).second) remove_abandoned(folder);
}

/// Whether the file is locked now and still there: another program may have found it before it was locked. A disk
/// without locks has no program that could remove it.
bool lock_new(int file) {
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;
  struct stat status {};
  return ::fstat(file, &status) == 0 && status.st_nlink > 0;
}

}  // namespace

TemporaryFile create_temporary(const std::filesystem::path& folder, const std::filesystem::path& target) {
  remove_abandoned_once(folder);
  while (true) {
    std::filesystem::path path = folder / new_name();
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0 && errno == EINTR) continue;
    if (file < 0) fail_to_write(target, errno);
    if (lock_new(file)) return {std::move(path), file};
    ::unlink(path.c_str());
    ::close(file);
  }
}

}  // namespace fovea
