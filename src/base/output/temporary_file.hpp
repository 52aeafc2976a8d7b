// Files that are written under another name first, and what killed runs have left of them.
#pragma once

#include <filesystem>

namespace fovea {

struct TemporaryFile {
  std::filesystem::path path;
  int descriptor = -1;  // for writing
};

/// A new file in `folder`, called ".fovea-" and 16 random hex digits and ".tmp": nobody can guess it, no program in
/// another container has the same, and it is no longer where the final name is long. It is locked (flock) while it is
/// open. The first call for a folder removes the temporary files there that nobody has locked: their program was
/// killed.
/// @throws Error  kOutput, naming `target`.
[[nodiscard]] TemporaryFile create_temporary(const std::filesystem::path& folder, const std::filesystem::path& target);

}  // namespace fovea
