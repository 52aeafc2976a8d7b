#include "image/codec/exif.hpp"

#include <cstring>
#include <string_view>
#include <utility>

#include "image/codec/byte_reader.hpp"
#include "image/codec/tiff_directory.hpp"

namespace fovea {
namespace {

constexpr std::string_view kExifPrefix("Exif\0\0", 6);

int valid_orientation(std::uint64_t value) {
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

}  // namespace

int exif_orientation(std::span<const std::byte> block) {
  if (has_bytes(block, kExifPrefix)) block = block.subspan(kExifPrefix.size());
  const auto directory = read_tiff_directory(block);
  return directory ? valid_orientation(directory->value(TiffTag::kOrientation).value_or(1)) : 1;
}

int xmp_orientation(std::span<const std::byte> packet) {
  const std::string_view text = as_text(packet);
  for (const std::string_view key : {"tiff:Orientation=\"", "tiff:Orientation>"}) {
    const std::size_t at = text.find(key);
    if (at == std::string_view::npos || at + key.size() >= text.size()) continue;
    return valid_orientation(static_cast<std::uint64_t>(text[at + key.size()] - '0'));
  }
  return 1;
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
