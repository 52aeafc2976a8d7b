// What a PNG says beside its pixels, read chunk by chunk as the specification has it.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace fovea::test {

/// Keyword → text of the tEXt and uncompressed iTXt chunks; each chunk's CRC is checked.
/// @throws std::runtime_error  if it is no PNG, or a chunk is damaged.
[[nodiscard]] std::map<std::string, std::string> png_texts(std::span<const std::byte> file);

}  // namespace fovea::test
