// A deflate stream for a photograph's filtered rows: Huffman codes, and runs of one byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

/// Compresses as zlib's strategy Z_RLE does: the only matches are those with the byte before (distance 1). On a
/// photograph's residuals a search for other matches takes most of the time and gains 5 % (DESIGN.md has the figures).
/// @return  a zlib stream (RFC 1950 around RFC 1951)
[[nodiscard]] std::vector<std::uint8_t> run_deflate(std::span<const std::uint8_t> bytes);

}  // namespace fovea
