#include "image/codec_gif.hpp"

#include "image/byte_reader.hpp"

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
  walker.skip(kDescriptorSize + local_table + 1);  // and the code size
  walker.skip_sub_blocks();
  if (!walker.ok) return std::nullopt;

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
