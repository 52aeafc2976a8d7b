// Reading whole files and replacing them, without surprises.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/error.hpp"

namespace fovea {

/// The whole of a regular file. Never blocks on a FIFO or device.
/// @throws Error  kNotFound (also for a dangling link), kUnreadable (folder, FIFO, device, no permission).
[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& path);

/// As text.
[[nodiscard]] std::string read_text_file(const std::filesystem::path& path);

/// Everything up to the end of the stream.
/// @throws Error  kUnreadable.
[[nodiscard]] std::vector<std::byte> read_stream(std::FILE* stream, std::string_view name);

/// Writes a temporary file beside `path` and renames it into place, making parent folders as needed; on
/// failure the target is untouched and the temporary file gone.
/// @throws Error  kOutput.
void replace_file(const std::filesystem::path& path, std::span<const std::byte> content);
void replace_file(const std::filesystem::path& path, std::string_view content);

/// The sentence for an errno of a file that cannot be written.
[[nodiscard]] Error unwritable(const std::filesystem::path& path, int error_number);

/// @throws Error  kOutput, naming what is in the way.
void make_folders(const std::filesystem::path& folder);

/// A path for a message: quotes nothing, but shows control characters and bytes that are not UTF-8 escaped.
[[nodiscard]] std::string printable(const std::filesystem::path& path);

}  // namespace fovea
