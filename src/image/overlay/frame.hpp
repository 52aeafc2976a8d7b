// Shows which part of a picture the network saw: the rest is dimmed and separated by a thin line.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fovea/image.hpp"
#include "image/overlay/field.hpp"

namespace fovea {

/// Draws a map onto the pixels that the network saw.
class MapInk {
 public:
  virtual ~MapInk() = default;
  /// Paints pixels [begin, end) of row y.
  /// @param from, to  RGB triples of this row, in the picture and in the result
  virtual void paint(int y, const std::uint8_t* from, std::size_t begin, std::size_t end, std::uint8_t* to) = 0;
};

/// Luma: red, green and blue weighted as the eye perceives them.
[[nodiscard]] inline std::uint32_t brightness(const std::uint8_t* pixel) noexcept {
  return (77U * pixel[0] + 150U * pixel[1] + 29U * pixel[2]) >> 8;
}

/// Paints the ink where the network looked and dims the rest to nearly grey. The border may fall inside a pixel.
[[nodiscard]] Image paint_seen(const Image& original, const SeenArea& seen, MapInk& ink);

}  // namespace fovea
