// The hashes that name a hub's files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace fovea {

/// The SHA-1 of the file as a git blob, in lower-case hex: of "blob SIZE\0" and the file's bytes.
/// @throws Error        kUnreadable
/// @throws Interrupted
[[nodiscard]] std::string git_blob_hash(const std::filesystem::path& file);
/// The SHA-256 of the file's bytes, in lower-case hex.
/// @throws Error        kUnreadable
/// @throws Interrupted
[[nodiscard]] std::string file_sha256(const std::filesystem::path& file);

}  // namespace fovea
