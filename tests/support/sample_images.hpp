// Images for tests of the image layer: generated, or read from tests/golden/preprocess.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.hpp"
#include "fovea/image.hpp"
#include "support/shared.hpp"

namespace fovea::test {

inline Image random_image(Size size, unsigned seed) {
  Image image(size);
  std::mt19937 random(seed);
  for (std::uint8_t& value : image.pixels()) value = static_cast<std::uint8_t>(random());
  return image;
}

/// Decodes "89504e47" to four bytes.
inline std::vector<std::byte> from_hex(std::string_view hex) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

/// The same CRC as zlib's crc32().
inline std::uint32_t crc32(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~0U;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? crc >> 1 ^ 0xEDB88320U : crc >> 1;
  }
  return ~crc;
}
inline std::uint32_t crc32(const Image& image) {
  return crc32(std::as_bytes(image.pixels()));
}

inline std::filesystem::path preprocess_golden() {
  return source_dir() / "tests" / "golden" / "preprocess";
}
inline std::vector<std::byte> golden_source(const std::string& name) {
  return read_file(preprocess_golden() / "sources" / name);
}

}  // namespace fovea::test
