#include "image/codec/gif.hpp"

#include <algorithm>

#include "image/codec/byte_reader.hpp"

namespace fovea {
namespace {

constexpr std::size_t kScreenEnd = 13;  // signature and logical screen descriptor
constexpr std::size_t kDescriptorSize = 10;
constexpr std::uint64_t kExtension = 0x21;
constexpr std::uint64_t kGraphicControl = 0xF9;
constexpr std::uint64_t kImage = 0x2C;
constexpr std::byte kTrailer{0x3B};

/// Walks over a GIF's blocks; once past the end of the file, `ok` is false for good.
struct Walker {
  std::span<const std::byte> file;
  std::size_t at = 0;
  bool ok = true;

  std::uint64_t peek(std::size_t ahead, std::size_t width = 1) {
    const auto value = read_uint(file, at + ahead, width, Endian::kLittle);
    ok = ok && value.has_value();
    return value.value_or(0);
  }
  void skip(std::size_t count) {
    ok = ok && count <= file.size() - at;
    if (ok) at += count;
  }
  void skip_sub_blocks() {
    for (std::uint64_t size = 1; ok && size != 0;) {
      size = peek(0);
      skip(1 + static_cast<std::size_t>(size));
    }
  }
};

/// The bytes of the colour table that these flags announce.
std::size_t table_size(std::uint64_t flags) {
  constexpr std::uint64_t kHasTable = 0x80;
  return (flags & kHasTable) != 0 ? std::size_t{3} << ((flags & 7) + 1) : 0;
}

/// The payload of the sub-blocks that begin at `at`.
std::vector<std::uint8_t> joined_sub_blocks(std::span<const std::byte> file, std::size_t at) {
  std::vector<std::uint8_t> payload;
  for (auto size = std::to_integer<std::size_t>(file[at]); size != 0; size = std::to_integer<std::size_t>(file[at])) {
    for (std::size_t i = 1; i <= size; ++i) payload.push_back(std::to_integer<std::uint8_t>(file[at + i]));
    at += size + 1;
  }
  return payload;
}

/// Whether every code of an LZW stream (GIF89a, appendix F) is known when it comes, up to the last of `pixels`: GDAL
/// follows an unknown one to address zero. Only the lengths of the strings are kept.
bool is_sound_lzw(std::span<const std::uint8_t> codes, unsigned literal_bits, std::uint64_t pixels) {
  constexpr unsigned kMostBits = 12;
  if (literal_bits < 1 || literal_bits > 8) return false;
  const std::size_t clear = std::size_t{1} << literal_bits;
  std::array<std::uint64_t, std::size_t{1} << kMostBits> length{};
  std::fill_n(length.begin(), clear, 1);
  std::size_t next = clear + 2;
  unsigned width = literal_bits + 1;
  std::optional<std::size_t> before;
  std::uint64_t done = 0;
  std::size_t bit = 0;
  while (done < pixels) {
    if (bit + width > 8 * codes.size()) return false;
    std::size_t code = 0;
    for (unsigned i = 0; i < width; ++i, ++bit) code |= (std::size_t{codes[bit / 8]} >> (bit % 8) & 1U) << i;
    if (code == clear) {
      next = clear + 2;
      width = literal_bits + 1;
      before.reset();
      continue;
    }
    const std::size_t known = before && next < length.size() ? next + 1 : next;  // `next` is made by this very code
    if (code == clear + 1 || code >= known || (!before && code >= clear)) return false;
    if (before && next < length.size()) length[next++] = length[*before] + 1;
    done += length[code];
    before = code;
    if (next == std::size_t{1} << width && width < kMostBits) ++width;
  }
  return true;
}

std::array<std::uint8_t, 3> color_at(std::span<const std::byte> table, std::size_t index) {
  std::array<std::uint8_t, 3> color{};
  for (std::size_t c = 0; c < 3 && 3 * index + 2 < table.size(); ++c) {
    color[c] = std::to_integer<std::uint8_t>(table[3 * index + c]);
  }
  return color;
}

}  // namespace

std::optional<GifFrame> first_gif_frame(std::span<const std::byte> file) {
  Walker walker{file};
  const std::size_t global_table = table_size(walker.peek(kScreenEnd - 3));
  walker.skip(kScreenEnd + global_table);
  const std::size_t blocks_begin = walker.at;
  std::size_t fill_index = 0;
  while (walker.ok && walker.peek(0) == kExtension) {
    const std::uint64_t flags = walker.peek(3);
    if (walker.peek(1) == kGraphicControl && (flags & 1) != 0) fill_index = static_cast<std::size_t>(walker.peek(6));
    walker.skip(2);
    walker.skip_sub_blocks();
  }
  if (!walker.ok || walker.peek(0) != kImage) return std::nullopt;

  const std::size_t descriptor = walker.at;
  GifFrame frame;
  frame.left = static_cast<int>(walker.peek(1, 2));
  frame.top = static_cast<int>(walker.peek(3, 2));
  frame.size = {static_cast<int>(walker.peek(7, 2)), static_cast<int>(walker.peek(5, 2))};
  const std::size_t local_table = table_size(walker.peek(9));
  walker.skip(kDescriptorSize + local_table);
  const auto literal_bits = static_cast<unsigned>(walker.peek(0));
  walker.skip(1);
  const std::size_t codes = walker.at;
  walker.skip_sub_blocks();
  if (!walker.ok) return std::nullopt;
  const auto pixels = static_cast<std::uint64_t>(frame.size.height) * static_cast<std::uint64_t>(frame.size.width);
  if (!is_sound_lzw(joined_sub_blocks(file, codes), literal_bits, pixels)) return std::nullopt;

  const auto table = local_table != 0 ? file.subspan(descriptor + kDescriptorSize, local_table)
                                      : file.subspan(kScreenEnd, global_table);
  frame.around = color_at(table, fill_index);
  // Header and tables, then the frame at (0, 0) of a screen of its own size; the extensions are left out.
  frame.file.assign(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(blocks_begin));
  for (std::size_t i = 0; i < 4; ++i) frame.file[6 + i] = file[descriptor + 5 + i];
  const std::size_t image = frame.file.size();
  frame.file.insert(frame.file.end(), file.begin() + static_cast<std::ptrdiff_t>(descriptor),
                    file.begin() + static_cast<std::ptrdiff_t>(walker.at));
  for (std::size_t i = 1; i <= 4; ++i) frame.file[image + i] = std::byte{0};
  frame.file.push_back(kTrailer);
  return frame;
}

}  // namespace fovea
