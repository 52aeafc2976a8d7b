// The formats of pictures that are written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"

namespace fovea {

/// What a file says beside its pixels.
struct PictureText {
  std::string keyword;  // 1 to 79 characters of Latin-1
  std::string text;     // UTF-8
};

/// Fast and lossless: see run_deflate().
/// @param texts  before the pixels and in this order: tEXt chunks, iTXt for what is not ASCII.
[[nodiscard]] std::vector<std::byte> encode_png(const Image& image, std::span<const PictureText> texts = {});
/// 16-bit grey, as small as zlib makes it.
/// @param levels  [size.height, size.width]
[[nodiscard]] std::vector<std::byte> encode_png(std::span<const std::uint16_t> levels, Size size,
                                                std::span<const PictureText> texts = {});
/// @param quality  1..100.
/// @param texts    in this order, a comment each: "keyword: text"
/// @throws Error   kOutput for a side above 65,500 px.
[[nodiscard]] std::vector<std::byte> encode_jpeg(const Image& image, int quality,
                                                 std::span<const PictureText> texts = {});
/// Lossy, by libwebp's fastest method.
/// @param quality  0..100.
/// @throws Error   kOutput for a side above 16,383 px.
[[nodiscard]] std::vector<std::byte> encode_webp(const Image& image, int quality);

enum class PictureFormat { kPng, kWebp, kJpeg };

/// "png", "webp" and "jpeg".
[[nodiscard]] std::span<const std::string_view> picture_format_names();
/// @throws Error  kUsage for any other name.
[[nodiscard]] PictureFormat picture_format(std::string_view name);
/// What the names of such files end in, with the dot.
[[nodiscard]] std::string_view extension(PictureFormat format);
/// In a quality at which a map's colours and its caption look as in the PNG.
/// @param texts        not in a WebP, which has no place for them
/// @throws RefusedFile  kOutput for a picture that is too large for the format.
[[nodiscard]] std::vector<std::byte> encode_picture(const Image& image, PictureFormat format,
                                                    std::span<const PictureText> texts);

}  // namespace fovea
