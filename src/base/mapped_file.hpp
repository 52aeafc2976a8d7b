// A file as memory: pages are read when they are touched.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/open_file.hpp"

namespace fovea {

class MappedFile {
 public:
  /// @throws Error  kNotFound, or kUnreadable if the path is no regular file or may not be read.
  explicit MappedFile(const std::filesystem::path& path);
  /// @param bytes  its size
  /// @throws Error  kUnreadable, naming `path`.
  MappedFile(const OpenFile& file, std::size_t bytes, const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {begin_, size_}; }
  /// Drops the touched pages from this process's memory. Touched again, they come from the system's file cache.
  void forget() const noexcept;

 private:
  const std::byte* begin_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fovea
