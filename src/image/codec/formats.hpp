// What the decoders of the single formats share. A format is a function of this shape and a row in codec.cpp.
#pragma once

#include <cmath>
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
[[nodiscard]] DecodedFile decode_bmp(std::span<const std::byte> file, std::string_view name,
                                     const DecodeOptions& options);
[[nodiscard]] DecodedFile decode_gif(std::span<const std::byte> file, std::string_view name,
                                     const DecodeOptions& options);
[[nodiscard]] DecodedFile decode_pnm(std::span<const std::byte> file, std::string_view name,
                                     const DecodeOptions& options);
[[nodiscard]] DecodedFile decode_sun_raster(std::span<const std::byte> file, std::string_view name,
                                            const DecodeOptions& options);
/// Each of these through a module, loaded at first use.
[[nodiscard]] DecodedFile decode_tiff(std::span<const std::byte> file, std::string_view name,
                                      const DecodeOptions& options);
[[nodiscard]] DecodedFile decode_jpeg2000(std::span<const std::byte> file, std::string_view name,
                                          const DecodeOptions& options);
[[nodiscard]] DecodedFile decode_heif(std::span<const std::byte> file, std::string_view name,
                                      const DecodeOptions& options);
[[nodiscard]] DecodedFile decode_jxl(std::span<const std::byte> file, std::string_view name,
                                     const DecodeOptions& options);
[[nodiscard]] DecodedFile decode_radiance(std::span<const std::byte> file, std::string_view name,
                                          const DecodeOptions& options);
// Does a file begin as one of the format does?
[[nodiscard]] bool is_bmp(std::span<const std::byte> file);
[[nodiscard]] bool is_gif(std::span<const std::byte> file);
[[nodiscard]] bool is_pnm(std::span<const std::byte> file);
[[nodiscard]] bool is_sun_raster(std::span<const std::byte> file);
[[nodiscard]] bool is_tiff(std::span<const std::byte> file);
[[nodiscard]] bool is_jpeg2000(std::span<const std::byte> file);
[[nodiscard]] bool is_heif(std::span<const std::byte> file);
[[nodiscard]] bool is_jxl(std::span<const std::byte> file);
[[nodiscard]] bool is_radiance(std::span<const std::byte> file);

/// Call with what the header says, before anything of that size is allocated.
/// @throws Error  kTooLarge above max_pixels; kDecode for a side of 0 or beyond 31 bits.
[[nodiscard]] Size checked_size(std::uint64_t width, std::uint64_t height, std::string_view name,
                                const DecodeOptions& options);

/// "<name>: the <format> is <what>", e.g. "cat.jpg: the JPEG is truncated: Premature end of JPEG file".
[[nodiscard]] Error damaged(std::string_view name, std::string_view format, std::string_view what);
/// "<name>: the <format> has <what>, which fovea cannot read": a sound file that nobody here decodes as Pillow does.
[[nodiscard]] Error unsupported(std::string_view name, std::string_view format, std::string_view what);

/// 16-bit grey to one byte.
[[nodiscard]] inline std::uint8_t gray_byte(std::uint16_t value, Gray16 rule) noexcept {
  if (rule == Gray16::kScale) return static_cast<std::uint8_t>(value >> 8);
  return static_cast<std::uint8_t>(value > 255 ? 255 : value);
}

/// A number as Pillow makes a byte of it: clipped, the fraction cut off; 0 for what is no number.
[[nodiscard]] inline std::uint8_t clipped_byte(double value) noexcept {
  if (!(value > 0)) return 0;
  return value >= 255 ? std::uint8_t{255} : static_cast<std::uint8_t>(value);
}

/// Pillow's CMYK to RGB (Convert.c, cmyk2rgb).
[[nodiscard]] inline std::uint8_t from_cmyk(std::uint8_t ink, std::uint8_t black) noexcept {
  const int light = 255 - black;
  const int product = ink * light + 128;
  const int value = light - ((product + (product >> 8)) >> 8);
  return static_cast<std::uint8_t>(value < 0 ? 0 : value);
}

/// Pillow's YCbCr to RGB (ConvertYCbCr.c): tables of 6-bit fractions, rounded up from half.
inline void from_ycbcr(const std::uint8_t* ycbcr, std::uint8_t* rgb) noexcept {
  const auto part = [](double weight, std::uint8_t level) {
    return static_cast<int>(std::trunc(weight * (level - 128) * 64 + 0.5));
  };
  const auto clipped = [](int level) { return static_cast<std::uint8_t>(level < 0 ? 0 : level > 255 ? 255 : level); };
  const std::uint8_t y = ycbcr[0];
  const std::uint8_t cb = ycbcr[1];
  const std::uint8_t cr = ycbcr[2];
  rgb[0] = clipped(y + (part(1.402, cr) >> 6));
  rgb[1] = clipped(y + ((part(-0.34414, cb) + part(-0.71414, cr)) >> 6));
  rgb[2] = clipped(y + (part(1.772, cb) >> 6));
}

}  // namespace fovea
