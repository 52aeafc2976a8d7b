#include "base/pending_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/files.hpp"
#include "base/output/disk.hpp"
#include "base/output/temporary_file.hpp"

namespace fovea {
namespace {

/// Gives the file its name unless that is taken. Two calls can: one is missing on NFS, the other on exFAT.
bool rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  return (errno == EINVAL || errno == ENOSYS) && ::link(from.c_str(), to.c_str()) == 0;
}

}  // namespace

PendingFile::PendingFile(std::filesystem::path path) : path_(std::move(path)), place_(open_place(path_)) {
  if (place_.stream) {
    descriptor_ = *place_.stream;
    return;
  }
  const std::filesystem::path folder = place_.file.parent_path();
  make_folders(folder);
  TemporaryFile temporary = create_temporary(folder, path_);
  temporary_ = std::move(temporary.path);
  descriptor_ = temporary.descriptor;
  if (place_.mode) ::fchmod(descriptor_, *place_.mode);  // a disk without permissions has none to keep
}

PendingFile::~PendingFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

void PendingFile::append(std::span<const std::byte> bytes) {
  write_all(descriptor_, bytes, path_);
  size_ += bytes.size();
}

void PendingFile::overwrite(std::uint64_t offset, std::string_view text) {
  if (is_stream()) fail_to_write(path_, ESPIPE);
  while (!text.empty()) {
    const ssize_t written = ::pwrite(descriptor_, text.data(), text.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_to_write(path_, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void PendingFile::commit(Sync sync) {
  if (is_stream()) return close();
  settle(sync);
  if (::rename(temporary_.c_str(), place_.file.c_str()) != 0) fail_to_write(path_, errno);
  temporary_.clear();
  close();
  if (sync == Sync::kYes) sync_folder(place_.file.parent_path());
}

bool PendingFile::commit_new(Sync sync) {
  settle(sync);
  if (!rename_to_new(temporary_, place_.file)) {
    if (errno == EEXIST) return false;
    fail_to_write(path_, errno);
  }
  ::unlink(temporary_.c_str());  // link() leaves it
  temporary_.clear();
  close();
  if (sync == Sync::kYes) sync_folder(place_.file.parent_path());
  return true;
}

/// All bytes are with the disk, which has no complaint.
void PendingFile::settle(Sync sync) {
  if (sync == Sync::kYes) sync_file(descriptor_, path_);
  // What a network's disk has to complain of comes with close(). This closes a copy, because the lock that keeps other
  // programs from removing the file has to hold until it has its name.
  const int copy = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0 || ::close(copy) != 0) fail_to_write(path_, errno);
}

void PendingFile::close() {
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) fail_to_write(path_, errno);
}

}  // namespace fovea
