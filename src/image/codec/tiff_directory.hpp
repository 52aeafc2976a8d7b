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
  kBitsPerSample = 258,
  kPhotometric = 262,
  kOrientation = 274,
  kSamplesPerPixel = 277,
  kExtraSamples = 338,
};
inline constexpr std::uint64_t kTiffSeparated = 5;  // photometric: CMYK
inline constexpr std::uint64_t kTiffRgb = 2;

/// One entry: its first value, and where that lies, so that it can be changed in a copy of the file.
struct TiffEntry {
  std::uint16_t tag = 0;
  std::uint64_t value = 0;
  std::uint64_t value_offset = 0;  // bytes from the start of the file
  std::size_t value_width = 0;     // bytes
};

struct TiffDirectory {
  Endian endian = Endian::kLittle;
  std::vector<TiffEntry> entries;  // those with an unsigned integer value
  bool complete = true;            // false where a baseline tag's values lie outside of the file

  [[nodiscard]] const TiffEntry* find(TiffTag tag) const noexcept;
  [[nodiscard]] std::optional<std::uint64_t> value(TiffTag tag) const noexcept;
};

/// Classic and Big TIFF. None if this is no TIFF file or its directory lies outside of it; entries that lie outside
/// are left out.
[[nodiscard]] std::optional<TiffDirectory> read_tiff_directory(std::span<const std::byte> file);

}  // namespace fovea
