// The first directory of a TIFF file; EXIF blocks are TIFF files too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "image/codec/byte_reader.hpp"

namespace fovea {

enum class TiffTag : std::uint16_t {
  kWidth = 256,
  kHeight = 257,
  kStripOffsets = 273,
  kOrientation = 274,
  kTileOffsets = 324,
  kXmp = 700,
};

/// One entry, whose values lie in the file.
struct TiffEntry {
  std::uint16_t tag = 0;
  std::uint16_t type = 0;    // as TIFF numbers them: 3 is SHORT
  std::uint64_t count = 0;   // of values, at least 1
  std::uint64_t offset = 0;  // bytes from the start of the file
};

struct TiffDirectory {
  Endian endian = Endian::kLittle;
  std::vector<TiffEntry> entries;
  bool complete = true;  // false where a baseline tag's values lie outside of the file

  /// The first entry of this tag.
  [[nodiscard]] const TiffEntry* find(TiffTag tag) const noexcept;
  /// The values of a tag of bytes; empty where there is none.
  [[nodiscard]] std::span<const std::byte> bytes_of(std::span<const std::byte> file, TiffTag tag) const;
};

/// The first value of an entry; none for bytes and text, which are no numbers to Pillow.
[[nodiscard]] std::optional<double> number_of(std::span<const std::byte> file, const TiffEntry& entry, Endian endian);

/// Classic and Big TIFF. None if this is no TIFF file or its directory lies outside of it; entries that lie outside
/// are left out.
[[nodiscard]] std::optional<TiffDirectory> read_tiff_directory(std::span<const std::byte> file);

}  // namespace fovea
