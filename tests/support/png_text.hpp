// Reads the texts that a PNG stores beside its pixels, chunk by chunk as specified.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace fovea::test {

/// Keyword → text of the tEXt and uncompressed iTXt chunks; each chunk's CRC is checked.
/// @throws std::runtime_error  if the file is not a PNG, or a chunk is damaged.
[[nodiscard]] std::map<std::string, std::string> png_texts(std::span<const std::byte> file);

}  // namespace fovea::test
