// A file that is written beside its target and renamed into place once it is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace fovea {

class PendingFile {
 public:
  /// Creates parent folders as needed. The file at `path` stays as it is until commit().
  /// @throws Error  kOutput.
  explicit PendingFile(std::filesystem::path path);
  /// Removes the temporary file unless it was committed.
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  /// @throws Error  kOutput.
  void append(std::span<const std::byte> bytes);
  void append(std::string_view text) { append(std::as_bytes(std::span(text))); }
  /// Overwrites bytes that were already appended.
  /// @throws Error  kOutput.
  void overwrite(std::uint64_t offset, std::string_view text);
  /// Renames the file into place. Call once, at the end.
  /// @throws Error  kOutput.
  void commit();

 private:
  std::filesystem::path path_;
  std::string temporary_;
  int descriptor_;
};

}  // namespace fovea
