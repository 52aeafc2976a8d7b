// Reads whole files, and replaces files atomically.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/pending_file.hpp"
#include "fovea/error.hpp"

namespace fovea {

/// Reads the whole of a regular file. Never blocks on a FIFO or device.
/// @throws Error  kNotFound (also for a dangling link), kUnreadable (folder, FIFO, device, no permission).
[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& path);

/// The same, as text.
[[nodiscard]] std::string read_text_file(const std::filesystem::path& path);

/// Reads everything up to the end of the stream.
/// @throws Error  kUnreadable.
[[nodiscard]] std::vector<std::byte> read_stream(std::FILE* stream, std::string_view name);

/// Writes a temporary file beside `path` and renames it into place, as a PendingFile does. On failure the target is
/// untouched and the temporary file is removed.
/// @throws Error  kOutput.
void replace_file(const std::filesystem::path& path, std::span<const std::byte> content, Sync sync = Sync::kNo);
void replace_file(const std::filesystem::path& path, std::string_view content, Sync sync = Sync::kNo);

/// One file cannot be written, but others in other places can: its name or its place is refused, and the disk is not
/// full.
class RefusedFile : public Error {
 public:
  using Error::Error;
};
/// @throws Error  kOutput for the errno of a file that cannot be written; a RefusedFile where the reason is its alone.
[[noreturn]] void fail_to_write(const std::filesystem::path& path, int error_number);

/// @throws Error  kOutput, naming what blocks the way.
void make_folders(const std::filesystem::path& folder);
/// Makes the folder if need be.
/// @throws Error  kOutput if no file can be made in it.
void check_writable(const std::filesystem::path& folder);

/// A path as it is printed in messages: without quotes, with control characters and invalid UTF-8 escaped.
[[nodiscard]] std::string printable(const std::filesystem::path& path);

}  // namespace fovea
