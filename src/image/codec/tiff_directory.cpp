#include "image/codec/tiff_directory.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace fovea {
namespace {

struct Layout {
  Endian endian = Endian::kLittle;
  bool big = false;  // BigTIFF: 64-bit offsets
  std::uint64_t first_directory = 0;
};

std::optional<Layout> read_layout(std::span<const std::byte> file) {
  Layout layout;
  if (has_bytes(file, "MM")) {
    layout.endian = Endian::kBig;
  } else if (!has_bytes(file, "II")) {
    return std::nullopt;
  }
  constexpr std::uint64_t kClassic = 42;
  constexpr std::uint64_t kBig = 43;
  const std::uint64_t version = read_uint(file, 2, 2, layout.endian).value_or(0);
  if (version != kClassic && version != kBig) return std::nullopt;
  layout.big = version == kBig;
  const auto offset = layout.big ? read_uint(file, 8, 8, layout.endian) : read_uint(file, 4, 4, layout.endian);
  if (!offset) return std::nullopt;
  layout.first_directory = *offset;
  return layout;
}

/// Bytes of one value of each of the types 0 to 18; 0 where there is no such type.
constexpr std::array<std::uint8_t, 19> kTypeWidths{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};

enum Type : std::uint16_t {
  kByte = 1,
  kAscii = 2,
  kRational = 5,
  kSbyte = 6,
  kUndefined = 7,
  kSshort = 8,
  kSlong = 9,
  kSrational = 10,
  kFloat = 11,
  kDouble = 12,
  kSlong8 = 17,
};

/// Adds the entry at `at`, which lies in the file.
void read_entry(std::span<const std::byte> file, std::uint64_t at, const Layout& layout, TiffDirectory& directory) {
  constexpr std::uint64_t kLastBaselineTag = 532;
  const std::size_t offset_width = layout.big ? 8 : 4;
  const std::uint64_t tag = *read_uint(file, at, 2, layout.endian);
  const std::uint64_t type = *read_uint(file, at + 2, 2, layout.endian);
  const std::uint64_t count = *read_uint(file, at + 4, offset_width, layout.endian);
  const std::size_t width = type < kTypeWidths.size() ? kTypeWidths[static_cast<std::size_t>(type)] : 0;
  if (width == 0 || count == 0) return;
  std::uint64_t offset = at + 4 + offset_width;
  if (count > offset_width / width) offset = *read_uint(file, offset, offset_width, layout.endian);
  if (offset > file.size() || count > (file.size() - offset) / width) {
    directory.complete = directory.complete && tag > kLastBaselineTag;
    return;
  }
  directory.entries.push_back({static_cast<std::uint16_t>(tag), static_cast<std::uint16_t>(type), count, offset});
}

/// `bits` of `width` bytes as a number with a sign.
double with_sign(std::uint64_t bits, std::size_t width) {
  const std::uint64_t sign = std::uint64_t{1} << (8 * width - 1);
  return static_cast<double>(static_cast<std::int64_t>((bits ^ sign) - sign));
}

}  // namespace

const TiffEntry* TiffDirectory::find(TiffTag tag) const noexcept {
  const auto found = std::find_if(entries.begin(), entries.end(), [tag](const TiffEntry& entry) {
    return entry.tag == static_cast<std::uint16_t>(tag);
  });
  return found == entries.end() ? nullptr : &*found;
}

std::span<const std::byte> TiffDirectory::bytes_of(std::span<const std::byte> file, TiffTag tag) const {
  const TiffEntry* entry = find(tag);
  if (entry == nullptr || kTypeWidths[entry->type] != 1) return {};
  return file.subspan(static_cast<std::size_t>(entry->offset), static_cast<std::size_t>(entry->count));
}

std::optional<double> number_of(std::span<const std::byte> file, const TiffEntry& entry, Endian endian) {
  const std::size_t width = kTypeWidths[entry.type];
  const std::uint64_t bits = read_uint(file, entry.offset, width, endian).value_or(0);
  switch (entry.type) {
    case kByte:
    case kAscii:
    case kUndefined: return std::nullopt;
    case kSbyte:
    case kSshort:
    case kSlong:
    case kSlong8: return with_sign(bits, width);
    case kRational:
    case kSrational: {
      const std::uint64_t above = read_uint(file, entry.offset, 4, endian).value_or(0);
      const std::uint64_t below = read_uint(file, entry.offset + 4, 4, endian).value_or(0);
      if (below == 0) return std::nullopt;
      return entry.type == kRational ? static_cast<double>(above) / static_cast<double>(below)
                                     : with_sign(above, 4) / with_sign(below, 4);
    }
    case kFloat: return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    case kDouble: return std::bit_cast<double>(bits);
    default: return static_cast<double>(bits);
  }
}

std::optional<TiffDirectory> read_tiff_directory(std::span<const std::byte> file) {
  const auto layout = read_layout(file);
  if (!layout) return std::nullopt;
  const std::size_t count_width = layout->big ? 8 : 2;
  const std::uint64_t entry_size = layout->big ? 20 : 12;
  const auto count = read_uint(file, layout->first_directory, count_width, layout->endian);
  if (!count) return std::nullopt;

  TiffDirectory directory;
  directory.endian = layout->endian;
  const std::uint64_t begin = layout->first_directory + count_width;
  const std::uint64_t fitting = (file.size() - begin) / entry_size;
  directory.complete = *count <= fitting;
  for (std::uint64_t i = 0; i < std::min(*count, fitting); ++i) {
    read_entry(file, begin + i * entry_size, *layout, directory);
  }
  return directory;
}

}  // namespace fovea
