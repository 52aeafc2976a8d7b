// What a TIFF's samples mean, and how Pillow makes RGB of them.
#pragma once

#include <tiffio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fovea/image.hpp"

namespace fovea::module {

/// What the first directory of a TIFF says about its samples.
struct TiffKind {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint16_t bits = 1;
  std::uint16_t samples = 1;
  std::uint16_t photometric = PHOTOMETRIC_MINISWHITE;
  std::uint16_t format = SAMPLEFORMAT_UINT;
  std::uint16_t compression = COMPRESSION_NONE;
  bool planar = false;
  std::uint16_t extras = 0;
  std::uint16_t first_extra = EXTRASAMPLE_UNSPECIFIED;

  /// Samples of a pixel without its extra ones.
  [[nodiscard]] std::uint16_t colors() const;
  [[nodiscard]] bool premultiplied() const { return extras > 0 && first_extra == EXTRASAMPLE_ASSOCALPHA; }
};

/// @throws Damaged  where the file says no size.
[[nodiscard]] TiffKind read_kind(TIFF* tiff);

/// @throws Unsupported  for what Pillow does not read, or reads by a library that is not here.
void check(const TiffKind& kind, bool big_endian);

/// Turns samples of one picture to RGB.
class TiffConverter {
 public:
  TiffConverter(TIFF* tiff, const TiffKind& kind, Gray16 gray16);

  /// @param planes  where a row of samples begins as libtiff hands them out, [count, samples]; where the file is
  /// planar,
  ///                each plane's own row, [count]
  /// @param rgb     [count, 3]
  void convert(std::span<const unsigned char* const> planes, std::size_t count, std::uint8_t* rgb) const;

 private:
  [[nodiscard]] std::uint8_t byte_at(const unsigned char* row, std::size_t i) const;
  [[nodiscard]] std::uint8_t finished(std::uint8_t value) const;
  void convert(const std::array<std::uint8_t, 4>& pixel, std::uint8_t* rgb) const;

  TiffKind kind_;
  Gray16 gray16_;
  std::vector<std::uint8_t> palette_;  // RGB of each index
};

}  // namespace fovea::module
