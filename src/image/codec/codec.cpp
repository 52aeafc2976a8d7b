#include "image/codec/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "image/codec/byte_reader.hpp"
#include "image/codec/exif.hpp"
#include "image/codec/formats.hpp"
#include "image/preprocess/preprocess.hpp"

namespace fovea {
namespace {

bool is_jpeg(std::span<const std::byte> file) {
  return has_bytes(file, "\xFF\xD8\xFF");
}
bool is_png(std::span<const std::byte> file) {
  return has_bytes(file, "\x89PNG\r\n\x1A\n");
}
bool is_webp(std::span<const std::byte> file) {
  return has_bytes(file, "RIFF") && has_bytes(file, "WEBP", 8);
}

struct Decoder {
  bool (*recognises)(std::span<const std::byte> file);
  DecodedFile (*decode)(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options);
};
constexpr std::array kDecoders{
    Decoder{is_jpeg, decode_jpeg},
    Decoder{is_png, decode_png},
    Decoder{is_webp, decode_webp},
    Decoder{is_tiff, decode_tiff},
    Decoder{is_bmp, decode_bmp},
    Decoder{is_gif, decode_gif},
    Decoder{is_pnm, decode_pnm},
    Decoder{is_jpeg2000, decode_jpeg2000},
    Decoder{is_heif, decode_heif},
    Decoder{is_jxl, decode_jxl},
    Decoder{is_sun_raster, decode_sun_raster},
    Decoder{is_radiance, decode_radiance},
};

/// Formats that are recognised only to be named.
struct KnownMagic {
  std::string_view bytes;
  std::size_t offset;
  std::string_view format;
  std::string_view hint;
};
constexpr std::string_view kConvert = "convert it to JPEG or PNG first";
constexpr std::array kUnsupported{
    KnownMagic{"ftyp", 4, "a video", "take a frame out of it first"},
    KnownMagic{"8BPS", 0, "a Photoshop document", kConvert},
    KnownMagic{"gimp xcf", 0, "a GIMP document", kConvert},
    KnownMagic{"qoif", 0, "QOI", kConvert},
    KnownMagic{"DDS ", 0, "a DirectDraw surface", kConvert},
    KnownMagic{"\x76\x2F\x31\x01", 0, "OpenEXR", kConvert},
    KnownMagic{std::string_view("\0\0\1\0", 4), 0, "an icon file", kConvert},
    KnownMagic{std::string_view("\0\0\2\0", 4), 0, "a cursor file", kConvert},
    KnownMagic{"icns", 0, "an Apple icon", kConvert},
    KnownMagic{std::string_view("\x01\xDA\0", 3), 0, "SGI", kConvert},
    KnownMagic{std::string_view("\x01\xDA\x01", 3), 0, "SGI", kConvert},
    KnownMagic{"\x0A\x05\x01", 0, "PCX", kConvert},
    KnownMagic{"/* XPM */", 0, "XPM", kConvert},
    KnownMagic{"P7\n", 0, "PAM", kConvert},
    KnownMagic{"PF\n", 0, "a PFM file in colour", kConvert},
    KnownMagic{"BLP", 0, "BLP", kConvert},
    KnownMagic{"%!PS", 0, "PostScript", "render it to PNG first"},
    KnownMagic{"SIMPLE  =", 0, "FITS", kConvert},
    KnownMagic{"%PDF", 0, "PDF", "render a page to PNG first"},
    KnownMagic{"PK\3\4", 0, "a zip archive", "unpack it first"},
    KnownMagic{"\x1F\x8B", 0, "gzip-compressed", "unpack it first"},
};

std::string lower_start(std::span<const std::byte> file) {
  std::string start;
  for (const char c : as_text(file.first(std::min<std::size_t>(file.size(), 512)))) {
    if (start.empty() && std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    start.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return start;
}

bool is_text(std::string_view start) {
  return std::none_of(start.begin(), start.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f';
  });
}

/// Whether it is called as checkpoints are.
bool is_named_like_weights(std::string_view name) {
  constexpr std::array<std::string_view, 6> kExtensions{".safetensors", ".pth", ".pt", ".bin", ".npz", ".ckpt"};
  return std::any_of(kExtensions.begin(), kExtensions.end(), [&](auto extension) { return name.ends_with(extension); });
}

Error not_an_image(std::span<const std::byte> file, std::string_view name) {
  const auto is = [&](std::string_view what, std::string_view hint) {
    return Error(ErrorCode::kDecode, fmt::format("{}: file is {}", name, what), std::string(hint));
  };
  if (file.empty()) return is("empty, expected an image", "copy or download it again");
  if (is_named_like_weights(name)) {
    return is("called like a model's weights, expected an image", fmt::format("-m {} chooses this model", name));
  }
  for (const KnownMagic& magic : kUnsupported) {
    if (has_bytes(file, magic.bytes, magic.offset)) {
      return is(fmt::format("{}, which fovea cannot read", magic.format), magic.hint);
    }
  }
  const std::string start = lower_start(file);
  if (start.find("<svg") != std::string::npos) return is("SVG, which fovea cannot read", "render it to PNG first");
  if (start.starts_with("<!doctype html") || start.starts_with("<html")) {
    return is("an HTML page, expected an image", "a download may have saved an error page under this name");
  }
  if (is_text(start)) return is("text, expected an image", "");
  return is(
      fmt::format("of an unknown format (its first bytes are {:02x}), expected an image",
                  fmt::join(file.first(std::min<std::size_t>(file.size(), 4)), " ")),
      "fovea reads JPEG, PNG, WebP, HEIC, AVIF, JPEG XL, TIFF, BMP, GIF, JPEG 2000, PNM, Sun raster and Radiance HDR");
}

constexpr std::array<std::string_view, 30> kExtensions{
    ".jpg", ".jpeg", ".jpe",  ".jfif", ".png", ".webp", ".heic", ".heif", ".hif", ".avif",
    ".jxl", ".tif",  ".tiff", ".bmp",  ".dib", ".gif",  ".jp2",  ".j2k",  ".j2c", ".jpc",
    ".jpf", ".ppm",  ".pgm",  ".pbm",  ".pnm", ".pfm",  ".ras",  ".sr",   ".hdr", ".pic"};

}  // namespace

Size checked_size(std::uint64_t width, std::uint64_t height, std::string_view name, const DecodeOptions& options) {
  constexpr std::uint64_t kMostPerSide = std::numeric_limits<int>::max();
  if (width == 0 || height == 0) {
    throw Error(ErrorCode::kDecode,
                fmt::format("{}: image is {}x{} px, expected at least one pixel", name, width, height));
  }
  if (width > kMostPerSide || height > kMostPerSide || width * height > options.max_pixels) {
    throw Error(
        ErrorCode::kTooLarge,
        fmt::format("{}: image is {}x{} px, expected at most {} pixels", name, width, height, options.max_pixels),
        "raise --max-pixels if you trust the file");
  }
  return {static_cast<int>(height), static_cast<int>(width)};
}

Error damaged(std::string_view name, std::string_view format, std::string_view what) {
  return Error(ErrorCode::kDecode, fmt::format("{}: {} is damaged: {}", name, format, what),
               "copy or download it again");
}

Error unsupported(std::string_view name, std::string_view format, std::string_view what) {
  return Error(ErrorCode::kDecode, fmt::format("{}: the {} has {}, which fovea cannot read", name, format, what),
               std::string(kConvert));
}

Image decode_image(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  for (const Decoder& decoder : kDecoders) {
    if (!decoder.recognises(file)) continue;
    DecodedFile decoded = decoder.decode(file, name, options);
    if (options.exif == ExifMode::kIgnore) return std::move(decoded.image);
    return upright(std::move(decoded.image), decoded.orientation);
  }
  throw not_an_image(file, name);
}

DecodedPicture decode_image(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options,
                            const PreprocessRecipe& recipe) {
  if (options.mode == DecodeMode::kExact || !is_jpeg(file)) {
    DecodedPicture picture{decode_image(file, name, options), {}};
    picture.whole = picture.image.size();
    return picture;
  }
  ScaledFile scaled = decode_jpeg(file, name, options,
                                  [&](Size whole) { return sufficient_eighths(whole, resized_size(whole, recipe)); });
  const int orientation = options.exif == ExifMode::kIgnore ? 1 : scaled.decoded.orientation;
  return {upright(std::move(scaled.decoded.image), orientation), scaled.whole, scaled.eighths};
}

int sufficient_eighths(Size whole, Size resized) {
  // libjpeg-turbo has vector code for these only. Of 12 megapixels 1/8 takes 9 ms, 2/8 11, 4/8 14 and the whole 39,
  // but 3/8 19, 5/8 35, 6/8 43 and 7/8 60.
  for (const int eighths : {1, 2, 4}) {
    const auto suffices = [&](int side, int wanted) {
      constexpr std::int64_t kTwice = 16;  // eighths
      return std::int64_t{side} * eighths >= kTwice * wanted;
    };
    if (suffices(whole.height, resized.height) && suffices(whole.width, resized.width)) return eighths;
  }
  return 8;
}

std::span<const std::string_view> image_extensions() {
  return kExtensions;
}

}  // namespace fovea
