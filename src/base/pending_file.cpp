#include "base/pending_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/files.hpp"
#include "base/output/disk.hpp"
#include "base/output/temporary_file.hpp"

namespace fovea {

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
  if (sync == Sync::kYes) sync_file(descriptor_, path_);
  // What a network's disk has to complain of comes with close(). This closes a copy, because the lock that keeps other
  // programs from removing the file has to hold until it has its name.
  const int copy = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0 || ::close(copy) != 0) fail_to_write(path_, errno);
  if (::rename(temporary_.c_str(), place_.file.c_str()) != 0) fail_to_write(path_, errno);
  temporary_.clear();
  close();
  if (sync == Sync::kYes) sync_folder(place_.file.parent_path());
}

void PendingFile::close() {
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) fail_to_write(path_, errno);
}

}  // namespace fovea
