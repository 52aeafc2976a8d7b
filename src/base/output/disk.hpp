// From memory to the disk.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <span>

namespace fovea {

/// Writes all bytes, however many at a time the system takes.
/// @throws Error  kOutput, naming `path`.
void write_all(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path);

/// Waits until the file behind an open descriptor is on the disk. A file system that has no such call is left alone.
/// @throws Error  kOutput, naming `path`.
void sync_file(int descriptor, const std::filesystem::path& path);
/// The same for the names in a folder, unless it may not be opened.
void sync_folder(const std::filesystem::path& folder);

/// The file systems that some folders lie on. Each is synced as a whole: for hundreds of small files that is 40 times
/// faster than one call for each (DESIGN.md).
class Disks {
 public:
  Disks() = default;
  ~Disks();
  Disks(const Disks&) = delete;
  Disks& operator=(const Disks&) = delete;

  /// A folder that may not be opened is taken to lie on the others' disk.
  void add(const std::filesystem::path& folder);
  /// Files and folders.
  /// @throws Error  kOutput.
  void sync() const;

 private:
  struct Disk {
    int descriptor = -1;  // open from the beginning, because sync() reports what has failed since
    std::filesystem::path folder;
  };
  std::set<std::filesystem::path> folders_;
  std::map<dev_t, Disk> disks_;
};

}  // namespace fovea
