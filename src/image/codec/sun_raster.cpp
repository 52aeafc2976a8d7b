// Sun raster files as Pillow's SunImagePlugin reads them.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "image/codec/byte_reader.hpp"
#include "image/codec/formats.hpp"
#include "image/codec/packed.hpp"

namespace fovea {
namespace {

constexpr std::string_view kSunRaster = "Sun raster";
constexpr std::size_t kHeaderSize = 32;
enum RasterType : std::uint64_t { kRunLengthCoded = 2, kRgb = 3, kLastType = 5 };

struct SunRasterHeader {
  Size size;
  unsigned bits = 0;
  std::uint64_t type = 0;
  std::uint64_t palette_bytes = 0;
};

SunRasterHeader read_header(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  const auto number = [&](std::size_t index) {
    const auto value = read_uint(file, 4 * index, 4, Endian::kBig);
    if (!value) throw damaged(name, kSunRaster, "its header is cut short or says no size");
    return *value;
  };
  const std::uint64_t width = number(1);
  SunRasterHeader header{checked_size(width, number(2), name, options), static_cast<unsigned>(number(3)), number(5),
                         number(7)};
  constexpr std::array<unsigned, 5> kDepths{1, 4, 8, 24, 32};
  if (std::find(kDepths.begin(), kDepths.end(), header.bits) == kDepths.end()) {
    throw unsupported(name, kSunRaster, fmt::format("{} bits a pixel", header.bits));
  }
  if (header.type > kLastType) throw unsupported(name, kSunRaster, fmt::format("type {}", header.type));
  constexpr std::uint64_t kRgbPalette = 1;
  constexpr std::uint64_t kMostPaletteBytes = 1024;
  if (header.palette_bytes != 0 && (number(6) != kRgbPalette || header.palette_bytes > kMostPaletteBytes)) {
    throw unsupported(name, kSunRaster, "a colour map of another kind than RGB");
  }
  if (header.palette_bytes > file.size() - kHeaderSize) throw damaged(name, kSunRaster, "its colour map is cut short");
  return header;
}

/// All reds, then all greens, then all blues. True colour has none.
Palette read_palette(std::span<const std::byte> file, const SunRasterHeader& header) {
  if (header.bits == 1) {  // a bit that is set is black
    Palette palette{};
    palette[0].fill(255);
    return palette;
  }
  if (header.palette_bytes == 0) return gray_ramp(header.bits);
  Palette palette{};
  const auto colors = static_cast<std::size_t>(header.palette_bytes) / 3;
  for (std::size_t i = 0; i < std::min(colors, palette.size()); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      palette[i][c] = std::to_integer<std::uint8_t>(file[kHeaderSize + c * colors + i]);
    }
  }
  return palette;
}

/// 0x80 n v is v (n + 1) times, 0x80 0 is 0x80 itself, all else stands for itself.
std::vector<std::byte> expand(std::span<const std::byte> packed, std::size_t size) {
  constexpr std::byte kEscape{0x80};
  std::vector<std::byte> out;
  for (std::size_t at = 0; at < packed.size() && out.size() < size;) {
    if (packed[at] != kEscape) {
      out.push_back(packed[at++]);
    } else if (at + 1 < packed.size() && packed[at + 1] == std::byte{0}) {
      out.push_back(kEscape);
      at += 2;
    } else if (at + 2 < packed.size()) {
      out.insert(out.end(), std::to_integer<std::size_t>(packed[at + 1]) + 1, packed[at + 2]);
      at += 3;
    } else {
      break;
    }
  }
  return out;
}

void copy_true_color(std::span<const std::byte> row, const SunRasterHeader& header, std::uint8_t* rgb) {
  for (std::size_t at = 0; at < row.size(); at += header.bits / 8) {
    for (std::size_t c = 0; c < 3; ++c) {
      *rgb++ = std::to_integer<std::uint8_t>(row[at + (header.type == kRgb ? c : 2 - c)]);
    }
  }
}

}  // namespace

bool is_sun_raster(std::span<const std::byte> file) {
  return has_bytes(file, "\x59\xA6\x6A\x95");
}

DecodedFile decode_sun_raster(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  const SunRasterHeader header = read_header(file, name, options);
  const Size size = header.size;
  const std::size_t used = packed_bytes(static_cast<std::size_t>(size.width), header.bits);
  // Rows end at 16 bits, except for those that Pillow unpacks run lengths to.
  const std::size_t stride = header.type == kRunLengthCoded ? used : (used + 1) / 2 * 2;
  std::span<const std::byte> pixels = file.subspan(kHeaderSize + static_cast<std::size_t>(header.palette_bytes));
  const std::size_t needed = stride * static_cast<std::size_t>(size.height - 1) + used;
  std::vector<std::byte> expanded;
  if (header.type == kRunLengthCoded) pixels = expanded = expand(pixels, needed);
  if (pixels.size() < needed) throw damaged(name, kSunRaster, "the file ends too early");

  DecodedFile decoded{Image(size), 1};
  const Palette palette = header.bits <= 8 ? read_palette(file, header) : Palette{};
  for (int y = 0; y < size.height; ++y) {
    const auto row = pixels.subspan(static_cast<std::size_t>(y) * stride, used);
    if (header.bits > 8) {
      copy_true_color(row, header, decoded.image.row(y));
    } else {
      unpack_row(row, header.bits, palette, decoded.image, y);
    }
  }
  return decoded;
}

}  // namespace fovea
