// Where the bytes that are meant for a path go.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace fovea {

/// Either a regular file, which is replaced in one step, or an open stream, which is written into.
struct OutputPlace {
  std::filesystem::path file = {};  // symbolic links are followed; need not exist
  std::optional<mode_t> mode = {};  // permissions of the file that is there
  std::optional<int> stream = {};   // a new descriptor of a FIFO, a socket, a character device or this program's own
};

/// A FIFO is waited for until it has a reader, as in a shell. `/dev/stdout`, `/dev/fd/N` and links to them are the
/// descriptor itself, whatever it is open on: with the file's own offset.
/// @throws Error  kOutput for a folder, a block device, a file that is a mount of its own, and what cannot be opened.
[[nodiscard]] OutputPlace open_place(const std::filesystem::path& path);

}  // namespace fovea
