#include "base/output/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "base/files.hpp"
#include "base/output/disk.hpp"

namespace fovea {
namespace {

constexpr const char* kName = ".fovea-lock";

/// Makes the folder, and returns the nearest one above it that was there; empty: the working directory.
std::filesystem::path make_below(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::path there = folder;
  while (!there.empty() && !std::filesystem::exists(there, ignored)) there = there.parent_path();
  make_folders(folder);
  return there;
}

/// "host laptop, process 1234"
std::string this_program() {
  std::array<char, HOST_NAME_MAX + 1> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("host {}, process {}", host.data(), ::getpid());
}

[[noreturn]] void refuse(const std::filesystem::path& folder, int file) {
  std::array<char, HOST_NAME_MAX + 64> text{};
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  ::close(file);
  const std::string_view holder(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  throw Error(ErrorCode::kOutput,
              fmt::format("{}: another run is writing there ({}), expected none", printable(folder),
                          holder.empty() ? "it has just begun" : printable(std::string(holder))),
              "wait until it ends, or choose another folder with -o; --share goes on beside it");
}

/// Another program may have removed the file between open() and flock().
bool is_there(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 && status.st_nlink > 0;
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder, bool share)
    : folder_(folder), was_there_(make_below(folder)) {
  const std::filesystem::path path = folder / kName;
  const std::string text = this_program();
  while (true) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0 && errno == EINTR) continue;
    if (file < 0) fail_to_write(folder, errno);
    if (::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      if (!share) refuse(folder, file);
      ::close(file);
      return;
    }
    if (!is_there(file)) {
      ::close(file);
      continue;
    }
    try {
      while (::ftruncate(file, 0) != 0) {
        if (errno != EINTR) fail_to_write(folder, errno);
      }
      write_all(file, std::as_bytes(std::span(text)), folder);
    } catch (...) {
      ::unlink(path.c_str());
      ::close(file);
      throw;
    }
    file_ = file;
    return;
  }
}

FolderLock::~FolderLock() {
  if (file_ < 0) return;
  ::unlink((folder_ / kName).c_str());
  ::close(file_);
  for (std::filesystem::path made = folder_; made != was_there_; made = made.parent_path()) {
    if (::rmdir(made.c_str()) != 0) break;
  }
}

}  // namespace fovea
