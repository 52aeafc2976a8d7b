// Windows and OS/2 bitmaps as Pillow's BmpImagePlugin reads them: the same headers, masks and run lengths, and the same
// bytes. What Pillow refuses is refused.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "image/codec/byte_reader.hpp"
#include "image/codec/formats.hpp"
#include "image/codec/packed.hpp"

namespace fovea {
namespace {

constexpr std::string_view kBmp = "BMP";
constexpr std::size_t kInfoAt = 14;       // the header after the file header
constexpr std::size_t kOldHeader = 12;    // OS/2 1: sides of 16 bits, palette entries of 3 bytes
constexpr std::size_t kPlainHeader = 40;  // Windows 3: masks follow it
enum Compression : std::uint64_t { kRaw = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3 };

/// Which bits of a pixel are red, green, blue and alpha.
using Masks = std::array<std::uint32_t, 4>;

struct BmpHeader {
  std::size_t size = 0;  // bytes
  Size picture;
  bool top_down = false;
  std::uint64_t bits = 0;
  std::uint64_t compression = kRaw;
  std::uint64_t colors = 0;
  std::size_t palette_at = 0;
  std::size_t palette_entry = 4;  // bytes
  std::size_t pixels_at = 0;
  Masks masks{};
};

class BmpReader {
 public:
  BmpReader(std::span<const std::byte> file, std::string_view name) : file_(file), name_(name) {}

  Image decode(const DecodeOptions& options) {
    read_header(options);
    const Size size = header_.picture;
    const auto width = static_cast<std::size_t>(size.width);
    if (header_.bits > 8) return true_color(size, masks_of_pixels());
    const auto bits = static_cast<unsigned>(header_.bits);
    const Palette palette = read_palette();
    if (header_.compression == kRaw) {
      const Rows rows = stored_rows(size);
      Image image(size);
      for (int y = 0; y < size.height; ++y) unpack_row(rows.at(y), bits, palette, image, y);
      return image;
    }
    const std::vector<std::byte> indices = read_run_lengths(width, static_cast<std::size_t>(size.height));
    Image image(size);
    for (int y = 0; y < size.height; ++y) {
      const auto stored = static_cast<std::size_t>(header_.top_down ? y : size.height - 1 - y);
      unpack_row(std::span(indices).subspan(stored * width, width), 8, palette, image, y);
    }
    return image;
  }

 private:
  /// Uncompressed rows, addressed from the top.
  struct Rows {
    std::span<const std::byte> bytes;
    std::size_t stride = 0;
    std::size_t used = 0;  // bytes of a row without its padding
    int height = 0;
    bool top_down = false;
    [[nodiscard]] std::span<const std::byte> at(int y) const {
      return bytes.subspan(static_cast<std::size_t>(top_down ? y : height - 1 - y) * stride, used);
    }
  };

  [[nodiscard]] std::uint64_t number(std::size_t at, std::size_t width) const {
    const auto value = read_uint(file_, at, width, Endian::kLittle);
    if (!value) throw damaged(name_, kBmp, "its header is cut short or says no size");
    return *value;
  }

  void read_header(const DecodeOptions& options) {
    header_.size = static_cast<std::size_t>(number(kInfoAt, 4));
    constexpr std::array<std::size_t, 7> kSizes{kOldHeader, kPlainHeader, 52, 56, 64, 108, 124};
    if (std::find(kSizes.begin(), kSizes.end(), header_.size) == kSizes.end()) {
      throw unsupported(name_, kBmp, fmt::format("a header of {} bytes", header_.size));
    }
    if (header_.size == kOldHeader) {
      const std::uint64_t width = number(18, 2);
      header_.picture = checked_size(width, number(20, 2), name_, options);
      header_.bits = number(24, 2);
      header_.palette_entry = 3;
    } else {
      read_modern_header(options);
    }
    constexpr std::array<std::uint64_t, 6> kDepths{1, 4, 8, 16, 24, 32};
    if (std::find(kDepths.begin(), kDepths.end(), header_.bits) == kDepths.end()) {
      throw unsupported(name_, kBmp, fmt::format("{} bits a pixel", header_.bits));
    }
    if (header_.compression > kBitFields) {
      throw unsupported(name_, kBmp, fmt::format("compression {}", header_.compression));
    }
    if (header_.colors == 0) header_.colors = std::uint64_t{1} << header_.bits;
    const bool masks_follow = header_.compression == kBitFields && header_.size == kPlainHeader;
    header_.palette_at = kInfoAt + header_.size + (masks_follow ? 12 : 0);
    header_.pixels_at = static_cast<std::size_t>(number(10, 4));
    if (header_.pixels_at == kInfoAt + header_.size && header_.bits <= 8) {  // the palette was forgotten
      header_.pixels_at += header_.palette_entry * static_cast<std::size_t>(header_.colors);
    }
    const std::size_t palette_bytes =
        header_.bits <= 8 ? header_.palette_entry * static_cast<std::size_t>(header_.colors) : 0;
    if (header_.pixels_at == 0) header_.pixels_at = header_.palette_at + palette_bytes;
  }

  void read_modern_header(const DecodeOptions& options) {
    constexpr std::uint64_t kTwoTo32 = std::uint64_t{1} << 32;
    const std::uint64_t width = number(18, 4);
    const std::uint64_t height = number(22, 4);
    header_.top_down = number(25, 1) == 0xFF;  // a negative height
    header_.picture = checked_size(width, header_.top_down ? kTwoTo32 - height : height, name_, options);
    header_.bits = number(28, 2);
    header_.compression = number(30, 4);
    header_.colors = number(46, 4);
    if (header_.compression != kBitFields) return;
    const bool has_alpha_mask = header_.size >= 56;
    for (std::size_t i = 0; i < (has_alpha_mask ? 4U : 3U); ++i) {
      header_.masks[i] = static_cast<std::uint32_t>(number(54 + 4 * i, 4));
    }
  }

  /// The masks of 16, 24 and 32 bits that Pillow knows.
  [[nodiscard]] Masks masks_of_pixels() const {
    constexpr Masks k15{0x7C00, 0x3E0, 0x1F, 0};
    constexpr Masks k16{0xF800, 0x7E0, 0x1F, 0};
    constexpr Masks kBgr{0xFF0000, 0xFF00, 0xFF, 0};
    constexpr Masks kBgra{0xFF0000, 0xFF00, 0xFF, 0xFF000000};
    constexpr std::array<Masks, 7> kFour{kBgr,
                                         {0xFF000000, 0xFF0000, 0xFF00, 0},
                                         {0xFF000000, 0xFF00, 0xFF, 0},
                                         {0xFF000000, 0xFF0000, 0xFF00, 0xFF},
                                         {0xFF, 0xFF00, 0xFF0000, 0xFF000000},
                                         kBgra,
                                         {0xFF000000, 0xFF00, 0xFF, 0xFF0000}};
    if (header_.compression == kRaw) return header_.bits == 16 ? k15 : kBgr;
    if (header_.compression == kBitFields) {
      const Masks masks = header_.masks;
      const Masks opaque{masks[0], masks[1], masks[2], 0};
      if (header_.bits == 16 && (opaque == k15 || opaque == k16)) return masks;
      if (header_.bits == 24 && opaque == kBgr) return masks;
      if (header_.bits == 32 && masks == Masks{}) return kBgra;
      if (header_.bits == 32 && std::find(kFour.begin(), kFour.end(), masks) != kFour.end()) return masks;
      throw unsupported(name_, kBmp,
                        fmt::format("the channel masks {:#x}, {:#x}, {:#x} and {:#x} in {} bits", masks[0], masks[1],
                                    masks[2], masks[3], header_.bits));
    }
    throw unsupported(name_, kBmp, fmt::format("run lengths of {} bits", header_.bits));
  }

  [[nodiscard]] Rows stored_rows(Size size) const {
    const auto width = static_cast<std::size_t>(size.width);
    Rows rows{
        {}, (width * header_.bits + 31) / 32 * 4, packed_bytes(width, header_.bits), size.height, header_.top_down};
    const std::size_t needed = static_cast<std::size_t>(size.height - 1) * rows.stride + rows.used;
    if (header_.pixels_at > file_.size() || needed > file_.size() - header_.pixels_at) {
      throw damaged(name_, kBmp, "the file ends too early");
    }
    rows.bytes = file_.subspan(header_.pixels_at);
    return rows;
  }

  [[nodiscard]] Image true_color(Size size, const Masks& masks) const {
    const Rows rows = stored_rows(size);
    Image image(size);
    const std::size_t pixel_bytes = static_cast<std::size_t>(header_.bits) / 8;
    for (int y = 0; y < size.height; ++y) {
      const std::span<const std::byte> row = rows.at(y);
      std::uint8_t* rgb = image.row(y);
      for (std::size_t at = 0; at < row.size(); at += pixel_bytes) {
        std::uint32_t pixel = 0;
        for (std::size_t i = 0; i < pixel_bytes; ++i) pixel |= std::to_integer<std::uint32_t>(row[at + i]) << (8 * i);
        for (std::size_t c = 0; c < 3; ++c) {
          const int shift = std::countr_zero(masks[c]);
          *rgb++ = static_cast<std::uint8_t>(((pixel & masks[c]) >> shift) * 255 / (masks[c] >> shift));
        }
      }
    }
    return image;
  }

  /// Pillow drops a palette of greys that equal their index, and of black and white: then every index is a grey, also
  /// beyond the palette.
  [[nodiscard]] Palette read_palette() const {
    if (header_.compression == kBitFields) throw unsupported(name_, kBmp, "channel masks beside a palette");
    constexpr std::uint64_t kMostColors = 65536;
    if (header_.colors > kMostColors) throw unsupported(name_, kBmp, "a palette of more than 65536 colours");
    const auto colors = static_cast<std::size_t>(header_.colors);
    const std::size_t available = file_.size() - std::min(file_.size(), header_.palette_at);
    Palette palette{};
    bool gray = colors <= palette.size();
    for (std::size_t i = 0; i < std::min(colors, palette.size()); ++i) {
      if ((i + 1) * header_.palette_entry > available) throw damaged(name_, kBmp, "its palette is cut short");
      for (std::size_t c = 0; c < 3; ++c) {
        const std::byte channel = file_[header_.palette_at + i * header_.palette_entry + 2 - c];
        palette[i][c] = std::to_integer<std::uint8_t>(channel);
        gray = gray && palette[i][c] == (colors == 2 ? 255 * i : i);
      }
    }
    if (!gray) return palette;
    if (header_.bits == 1) return gray_ramp(1);
    if (colors <= 2 && header_.compression == kRaw) {
      throw unsupported(name_, kBmp, fmt::format("{} bits for black and white", header_.bits));
    }
    return gray_ramp(8);
  }

  /// Indices as they are stored, [height, width]. Runs go on in the next row only where they are literal.
  [[nodiscard]] std::vector<std::byte> read_run_lengths(std::size_t width, std::size_t height) const {
    const bool nibbles = header_.compression == kRle4;
    const std::size_t total = width * height;
    std::vector<std::byte> out;
    std::size_t at = header_.pixels_at;
    std::size_t x = 0;
    const auto append = [&](std::byte pair, std::size_t i) {
      out.push_back(!nibbles ? pair : i % 2 == 0 ? pair >> 4 : pair & std::byte{0x0F});
    };
    while (out.size() < total) {
      if (at + 2 > file_.size()) break;
      const auto count = std::to_integer<std::size_t>(file_[at]);
      const std::byte value = file_[at + 1];
      const auto code = std::to_integer<std::size_t>(value);
      at += 2;
      if (count != 0) {
        const std::size_t fitting = std::min(count, width - std::min(x, width));
        for (std::size_t i = 0; i < fitting; ++i) append(value, i);
        x += fitting;
      } else if (code == 0) {  // end of row
        out.resize((out.size() + width - 1) / width * width);
        x = 0;
      } else if (code == 1) {  // end of picture
        break;
      } else if (code == 2) {  // so many to the right, so many rows up
        if (at + 2 > file_.size()) break;
        const auto right = std::to_integer<std::size_t>(file_[at]);
        const auto up = std::to_integer<std::size_t>(file_[at + 1]);
        at += 2;
        out.resize(std::min(total, out.size() + right + up * width));
        x = out.size() % width;
      } else {  // so many as they are, then up to an even place in the file
        const std::size_t literal = std::min(total - out.size(), code);
        const std::size_t bytes = nibbles ? (literal + 1) / 2 : literal;
        if (at > file_.size() || bytes > file_.size() - at) break;
        for (std::size_t i = 0; i < literal; ++i) append(file_[at + (nibbles ? i / 2 : i)], i);
        at += bytes;
        at += at % 2;
        x += code;
      }
    }
    if (out.size() < total) throw damaged(name_, kBmp, "its run lengths end before the picture");
    return out;
  }

  std::span<const std::byte> file_;
  std::string_view name_;
  BmpHeader header_;
};

}  // namespace

bool is_bmp(std::span<const std::byte> file) {
  return has_bytes(file, "BM");
}

DecodedFile decode_bmp(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  return {BmpReader(file, name).decode(options), 1};
}

}  // namespace fovea
