// What comes through a pipe: it is read once, waited for, and has no size before its end.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/error.hpp"

namespace fovea {

/// The most bytes of a stream that are read; what goes on for longer, such as /dev/zero, is an error.
inline constexpr std::size_t kMostStreamBytes = std::size_t{1} << 30U;
/// The same for text: a million paths have about a third of this.
inline constexpr std::size_t kMostTextBytes = std::size_t{1} << 28U;

/// Reads everything up to the end of a stream, which may be one that does not block.
/// @param most    bytes
/// @throws Error  kUnreadable; kTooLarge where there are more bytes.
/// @throws Interrupted
[[nodiscard]] std::vector<std::byte> read_stream(int descriptor, std::string_view name, std::size_t most);
/// The same of standard input, as text without a byte order mark.
[[nodiscard]] std::string read_standard_input();

/// Reads a text that the user names: a regular file, or a pipe or device, which can be read only once. A byte order
/// mark at its beginning is left out.
/// @throws Error  as read_file() and read_stream(); kUnreadable for UTF-16.
/// @throws Interrupted
[[nodiscard]] std::string read_named_text(const std::filesystem::path& file);

}  // namespace fovea
