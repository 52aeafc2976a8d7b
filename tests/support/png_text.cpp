#include "support/png_text.hpp"

#include <cstdint>
#include <stdexcept>

#include "support/sample_images.hpp"

namespace fovea::test {
namespace {

std::uint32_t big_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (const std::byte byte : bytes.first(4)) value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

}  // namespace

std::map<std::string, std::string> png_texts(std::span<const std::byte> file) {
  constexpr std::size_t kSignature = 8;
  constexpr std::size_t kFrame = 12;  // length, type and CRC
  std::map<std::string, std::string> texts;
  std::string type;
  for (std::size_t at = kSignature; type != "IEND";) {
    if (at + kFrame > file.size()) throw std::runtime_error("PNG: a chunk is cut off");
    const std::size_t length = big_endian(file.subspan(at));
    if (length > file.size() - at - kFrame) throw std::runtime_error("PNG: a chunk is cut off");
    const std::span<const std::byte> named = file.subspan(at + 4, 4 + length);
    if (crc32(named) != big_endian(file.subspan(at + 8 + length))) throw std::runtime_error("PNG: a CRC is wrong");
    const std::string chunk(reinterpret_cast<const char*>(named.data()), named.size());
    type = chunk.substr(0, 4);
    const std::size_t end = chunk.find('\0', 4);  // end of the keyword
    if (type == "tEXt") texts[chunk.substr(4, end - 4)] = chunk.substr(end + 1);
    if (type == "iTXt") {
      const std::size_t language_end = chunk.find('\0', end + 3);  // after flag and method of the compression
      texts[chunk.substr(4, end - 4)] = chunk.substr(chunk.find('\0', language_end + 1) + 1);
    }
    at += kFrame + length;
  }
  return texts;
}

}  // namespace fovea::test
