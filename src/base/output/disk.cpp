#include "base/output/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.hpp"

namespace fovea {
namespace {

int open_folder(const std::filesystem::path& folder) {
  return ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool means_no_such_call(int error) {
  return error == EINVAL || error == ENOTSUP || error == ENOSYS;
}

}  // namespace

void write_all(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_to_write(path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void sync_file(int descriptor, const std::filesystem::path& path) {
  while (::fsync(descriptor) != 0) {
    if (errno == EINTR) continue;
    if (means_no_such_call(errno)) return;
    fail_to_write(path, errno);
  }
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = open_folder(folder);
  if (descriptor < 0) return;
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0 && !means_no_such_call(error)) fail_to_write(folder, error);
}

Disks::~Disks() {
  for (const auto& [device, disk] : disks_) ::close(disk.descriptor);
}

void Disks::add(const std::filesystem::path& folder) {
  if (!folders_.insert(folder).second) return;
  const int descriptor = open_folder(folder);
  if (descriptor < 0) return;
  struct stat status {};
  const bool is_new = ::fstat(descriptor, &status) == 0 && !disks_.contains(status.st_dev);
  if (is_new) {
    disks_.emplace(status.st_dev, Disk{descriptor, folder});
  } else {
    ::close(descriptor);
  }
}

void Disks::sync() const {
  for (const auto& [device, disk] : disks_) {
    while (::syncfs(disk.descriptor) != 0) {
      if (errno == EINTR) continue;
      if (means_no_such_call(errno)) break;
      fail_to_write(disk.folder, errno);
    }
  }
}

}  // namespace fovea
