// Compressed tar archives: each is unpacked into a file, in which its members are found by their offset.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/open_file.hpp"

namespace fovea {

/// Whether a name ends as a compressed tar archive's: .tar.gz, .tgz and the like of bzip2, xz, zstd and lz4, in any case.
[[nodiscard]] bool looks_compressed(std::string_view name);

/// The content of a compressed archive, in a file without a name, which the system removes.
struct UnpackedArchive {
  OpenFile file;
  std::size_t bytes = 0;
  std::string damage;  // "is damaged: …", after what could be unpacked; empty where the archive is whole
};

/// Unpacks archives when they are asked for, and keeps the last few: the pictures of a run come archive by archive.
/// Any thread may ask.
class UnpackedArchives {
 public:
  /// @throws Error  kNotFound, kUnreadable, also where the disk has no room; kBackend without libarchive.
  /// @throws Interrupted
  [[nodiscard]] std::shared_ptr<const UnpackedArchive> open(const std::string& path);

 private:
  struct Entry {
    std::string path;
    std::mutex unpacking;
    std::shared_ptr<const UnpackedArchive> archive;
  };
  [[nodiscard]] std::shared_ptr<Entry> entry_of(const std::string& path);

  std::mutex mutex_;
  std::list<std::shared_ptr<Entry>> entries_;  // the last that was asked for comes first
};

}  // namespace fovea
