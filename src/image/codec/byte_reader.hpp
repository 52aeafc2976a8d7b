// Numbers out of a file that may lie about everything: every read is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace fovea {

enum class Endian { kLittle, kBig };

/// An unsigned number of `width` bytes (1..8) at `offset`; none where the file is too short.
[[nodiscard]] inline std::optional<std::uint64_t> read_uint(std::span<const std::byte> bytes, std::uint64_t offset,
                                                            std::size_t width, Endian endian) {
  if (offset > bytes.size() || width > bytes.size() - offset) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t at = endian == Endian::kBig ? i : width - 1 - i;
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[static_cast<std::size_t>(offset) + at]);
  }
  return value;
}

/// Do these bytes stand at `offset`?
[[nodiscard]] inline bool has_bytes(std::span<const std::byte> bytes, std::string_view expected,
                                    std::size_t offset = 0) {
  if (offset > bytes.size() || expected.size() > bytes.size() - offset) return false;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (bytes[offset + i] != static_cast<std::byte>(expected[i])) return false;
  }
  return true;
}

/// The bytes as characters.
[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace fovea
