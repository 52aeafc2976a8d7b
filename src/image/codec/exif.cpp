#include "image/codec/exif.hpp"

#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "image/codec/byte_reader.hpp"
#include "image/codec/tiff_directory.hpp"

namespace fovea {
namespace {

constexpr std::string_view kExifPrefix("Exif\0\0", 6);

int valid_orientation(double value) {
  for (int orientation = 2; orientation <= 8; ++orientation) {
    if (value == orientation) return orientation;
  }
  return 1;
}

/// None where the block holds no such tag or is no EXIF block. Pillow reads it of any type, but turns by numbers only:
/// it keeps bytes and text as strings.
std::optional<int> exif_orientation(std::span<const std::byte> block) {
  for (int times = 0; times < 2 && has_bytes(block, kExifPrefix); ++times) block = block.subspan(kExifPrefix.size());
  const auto directory = read_tiff_directory(block);
  const TiffEntry* entry = directory ? directory->find(TiffTag::kOrientation) : nullptr;
  if (entry == nullptr) return std::nullopt;
  return valid_orientation(number_of(block, *entry, directory->endian).value_or(1));
}

/// The first tiff:Orientation, an attribute or an element.
std::optional<int> xmp_orientation(std::string_view packet) {
  constexpr std::string_view kKey = "tiff:Orientation";
  for (std::size_t at = packet.find(kKey); at != std::string_view::npos; at = packet.find(kKey, at + 1)) {
    std::string_view rest = packet.substr(at + kKey.size());
    const std::size_t sign = rest.starts_with("=\"") ? 2 : rest.starts_with('>') ? 1 : 0;
    if (sign == 0 || rest.size() <= sign || rest[sign] < '0' || rest[sign] > '9') continue;
    return valid_orientation(rest[sign] - '0');
  }
  return std::nullopt;
}

}  // namespace

int orientation_of(std::span<const std::byte> exif, std::span<const std::byte> xmp) {
  if (const auto orientation = exif_orientation(exif)) return *orientation;
  return xmp_orientation(as_text(xmp)).value_or(1);
}

Size upright(Size stored, int orientation) noexcept {
  const bool swaps_axes = orientation >= 5 && orientation <= 8;
  return swaps_axes ? Size{stored.width, stored.height} : stored;
}

Image upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const Size from = image.size();
  const bool swaps_axes = orientation >= 5;
  const bool rows_reversed = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool columns_reversed = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const Size to = upright(from, orientation);
  Image out(to);
  for (int y = 0; y < to.height; ++y) {
    std::uint8_t* pixel = out.row(y);
    for (int x = 0; x < to.width; ++x, pixel += 3) {
      int row = swaps_axes ? x : y;
      int column = swaps_axes ? y : x;
      if (rows_reversed) row = from.height - 1 - row;
      if (columns_reversed) column = from.width - 1 - column;
      std::memcpy(pixel, image.row(row) + static_cast<std::size_t>(column) * 3, 3);
    }
  }
  return out;
}

}  // namespace fovea
