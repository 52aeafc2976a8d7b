// What is written for a path: a file beside it that is renamed into place once it is complete, or straight into a
// stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/output/output_place.hpp"

namespace fovea {

/// Whether what is written has to be on the disk before a function returns.
enum class Sync { kNo, kYes };

class PendingFile {
 public:
  /// Creates parent folders as needed. The file at `path` stays as it is until commit(), which keeps its permissions;
  /// of a symbolic link it is the file that the link leads to. A FIFO, a socket or a device is written into and stays.
  /// @throws Error  kOutput, as do the others; a RefusedFile where the reason is this file's alone.
  explicit PendingFile(std::filesystem::path path);
  /// Removes the temporary file unless it was committed.
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  void append(std::span<const std::byte> bytes);
  void append(std::string_view text) { append(std::as_bytes(std::span(text))); }
  /// Overwrites bytes that were already appended; no stream can do that.
  void overwrite(std::uint64_t offset, std::string_view text);
  /// Renames the file into place. Call once, at the end.
  void commit(Sync sync = Sync::kNo);
  /// The same, unless a file has that name by now: however many programs try at once, one succeeds.
  /// @return  whether this one did
  [[nodiscard]] bool commit_new(Sync sync = Sync::kNo);

  [[nodiscard]] bool is_stream() const noexcept { return place_.stream.has_value(); }
  /// Bytes that were appended.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  void settle(Sync sync);
  void close();

  std::filesystem::path path_;  // as given, for messages
  OutputPlace place_;
  std::filesystem::path temporary_;  // empty: a stream, or renamed
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace fovea
