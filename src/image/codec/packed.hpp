// Rows of numbers of a few bits each, and the colours that they stand for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fovea/image.hpp"

namespace fovea {

using Rgb = std::array<std::uint8_t, 3>;
/// The colours of the numbers 0 to 255; black where a file's own table ends.
using Palette = std::array<Rgb, 256>;

/// The bytes of a row of `count` numbers of `bits` each, the last byte filled up.
[[nodiscard]] inline std::size_t packed_bytes(std::size_t count, std::size_t bits) noexcept {
  return (count * bits + 7) / 8;
}

/// The number of 1, 2, 4 or 8 bits at `index` of a row; those of one byte begin at its highest bit.
[[nodiscard]] inline unsigned packed_at(std::span<const std::byte> row, std::size_t index, unsigned bits) {
  const std::size_t bit = index * bits;
  const auto byte = std::to_integer<unsigned>(row[bit / 8]);
  return byte >> (8 - bits - bit % 8) & ((1U << bits) - 1);
}

/// The greys from black to white in equal steps.
[[nodiscard]] inline Palette gray_ramp(unsigned bits) {
  Palette ramp{};
  const unsigned last = (1U << bits) - 1;
  for (unsigned i = 0; i <= last; ++i) ramp[i].fill(static_cast<std::uint8_t>(i * 255 / last));
  return ramp;
}

/// @param row  packed_bytes(image.size().width, bits) bytes
inline void unpack_row(std::span<const std::byte> row, unsigned bits, const Palette& palette, Image& image, int y) {
  std::uint8_t* rgb = image.row(y);
  for (std::size_t x = 0; x < static_cast<std::size_t>(image.size().width); ++x) {
    for (const std::uint8_t channel : palette[packed_at(row, x, bits)]) *rgb++ = channel;
  }
}

}  // namespace fovea
