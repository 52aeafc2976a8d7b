#include "base/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace fovea {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const OpenFile file = open_regular_file(path);
  *this = MappedFile(file, file.size(), path);
}

MappedFile::MappedFile(const OpenFile& file, std::size_t bytes, const std::filesystem::path& path) : size_(bytes) {
  if (size_ == 0) return;  // mmap refuses empty files
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  if (mapping == MAP_FAILED) throw unreadable(path, errno);
  begin_ = static_cast<const std::byte*>(mapping);
}

MappedFile::~MappedFile() {
  if (begin_ != nullptr) ::munmap(const_cast<std::byte*>(begin_), size_);
}

void MappedFile::forget() const noexcept {
  // Not posix_madvise(), which does nothing for this advice. If the kernel refuses, only memory is lost.
  if (begin_ != nullptr) static_cast<void>(::madvise(const_cast<std::byte*>(begin_), size_, MADV_DONTNEED));
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : begin_(std::exchange(other.begin_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(begin_, other.begin_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace fovea
