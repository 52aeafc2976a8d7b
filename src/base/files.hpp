// Reads whole files, and replaces files atomically.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/error.hpp"

namespace fovea {

/// Reads the whole of a regular file. Never blocks on a FIFO or device.
/// @throws Error  kNotFound (also for a dangling link), kUnreadable (folder, FIFO, device, no permission).
[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& path);

/// The same, as text.
[[nodiscard]] std::string read_text_file(const std::filesystem::path& path);

/// Writes a temporary file beside `path` and renames it into place; creates parent folders as needed. On failure the
/// target is untouched and the temporary file is removed.
/// @throws Error  kOutput.
void replace_file(const std::filesystem::path& path, std::span<const std::byte> content);
void replace_file(const std::filesystem::path& path, std::string_view content);

/// The error for an errno of a file that cannot be written.
[[nodiscard]] Error unwritable(const std::filesystem::path& path, int error_number);

/// @throws Error  kOutput, naming what blocks the way.
void make_folders(const std::filesystem::path& folder);

/// A path as it is printed in messages: without quotes, with control characters and invalid UTF-8 escaped.
[[nodiscard]] std::string printable(const std::filesystem::path& path);

}  // namespace fovea
