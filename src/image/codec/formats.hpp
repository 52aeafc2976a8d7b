// What the decoders of the single formats share. A format is a function of this shape and a row in codec.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "fovea/error.hpp"
#include "fovea/image.hpp"

namespace fovea {

/// The stored matrix, and how EXIF says to turn it (1: not at all).
struct DecodedFile {
  Image image;
  int orientation = 1;
};
/// The same at a part of its size.
struct ScaledFile {
  DecodedFile decoded;
  Size whole;       // px, upright unless options.exif ignores the orientation
  int eighths = 8;  // of each side
};
/// How many eighths of the sides of a picture of this size are to be decoded: 1 to 8.
using EighthsRule = std::function<int(Size whole)>;

/// @throws Error  kDecode, kTooLarge.
[[nodiscard]] DecodedFile decode_jpeg(std::span<const std::byte> file, std::string_view name,
                                      const DecodeOptions& options);
/// @param eighths  asked with ScaledFile::whole before anything is decoded
[[nodiscard]] ScaledFile decode_jpeg(std::span<const std::byte> file, std::string_view name,
                                     const DecodeOptions& options, const EighthsRule& eighths);
[[nodiscard]] DecodedFile decode_png(std::span<const std::byte> file, std::string_view name,
                                     const DecodeOptions& options);
[[nodiscard]] DecodedFile decode_webp(std::span<const std::byte> file, std::string_view name,
                                      const DecodeOptions& options);
/// TIFF, BMP, GIF, JPEG 2000, PNM, Sun raster and Radiance HDR: through OpenCV's imgcodecs, loaded at first use.
[[nodiscard]] DecodedFile decode_other(std::span<const std::byte> file, std::string_view name,
                                       const DecodeOptions& options);
[[nodiscard]] bool is_other_format(std::span<const std::byte> file);

/// Call with what the header says, before anything of that size is allocated.
/// @throws Error  kTooLarge above max_pixels; kDecode for a side of 0 or beyond 31 bits.
[[nodiscard]] Size checked_size(std::uint64_t width, std::uint64_t height, std::string_view name,
                                const DecodeOptions& options);

/// "<name>: the <format> is <what>", e.g. "cat.jpg: the JPEG is truncated: Premature end of JPEG file".
[[nodiscard]] Error damaged(std::string_view name, std::string_view format, std::string_view what);

/// 16-bit grey to one byte.
[[nodiscard]] inline std::uint8_t gray_byte(std::uint16_t value, Gray16 rule) noexcept {
  if (rule == Gray16::kScale) return static_cast<std::uint8_t>(value >> 8);
  return static_cast<std::uint8_t>(value > 255 ? 255 : value);
}

/// Pillow's CMYK to RGB (Convert.c, cmyk2rgb).
[[nodiscard]] inline std::uint8_t from_cmyk(std::uint8_t ink, std::uint8_t black) noexcept {
  const int light = 255 - black;
  const int product = ink * light + 128;
  const int value = light - ((product + (product >> 8)) >> 8);
  return static_cast<std::uint8_t>(value < 0 ? 0 : value);
}

}  // namespace fovea
