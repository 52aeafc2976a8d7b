// One program at a time writes into a folder.
#pragma once

#include <filesystem>

namespace fovea {

class FolderLock {
 public:
  /// Makes the folder if need be, and in it a locked file, ".fovea-lock", that names this host and process. The lock
  /// ends with the program, however that ends. A file system without locks (flock) gives none.
  /// @param share   go on where another program has the lock
  /// @throws Error  kOutput, naming that program's host and process; and where the folder cannot be written.
  FolderLock(const std::filesystem::path& folder, bool share);
  /// Removes the file, and the folders that it made if they are empty.
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::filesystem::path folder_;
  std::filesystem::path was_there_;  // the folder itself, or the one that new folders were made in
  int file_ = -1;                    // -1: another program has the lock
};

}  // namespace fovea
