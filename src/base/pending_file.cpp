#include "base/pending_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "base/files.hpp"

namespace fovea {
namespace {

/// The name contains the process and a counter, so that no two threads or programs share a file.
std::string temporary_name(const std::filesystem::path& path) {
  static std::atomic<unsigned> calls{0};
  return fmt::format("{}.{}-{}.tmp", path.native(), ::getpid(), calls++);
}

int open_new(const std::filesystem::path& path, const std::string& temporary) {
  make_folders(path.parent_path());
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor < 0) throw unwritable(path, errno);
  return descriptor;
}

}  // namespace

PendingFile::PendingFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(temporary_name(path_)), descriptor_(open_new(path_, temporary_)) {}

PendingFile::~PendingFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void PendingFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw unwritable(path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void PendingFile::overwrite(std::uint64_t offset, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::pwrite(descriptor_, text.data(), text.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw unwritable(path_, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void PendingFile::commit() {
  if (::close(std::exchange(descriptor_, -1)) != 0) throw unwritable(path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw unwritable(path_, errno);
  temporary_.clear();
}

}  // namespace fovea
