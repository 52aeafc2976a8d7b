// Which part of a picture the network saw: the rest is dimmed behind a thin line.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fovea/image.hpp"
#include "image/overlay/field.hpp"

namespace fovea {

/// What a map does to the pixels that the network saw.
class MapInk {
 public:
  virtual ~MapInk() = default;
  /// Pixels [begin, end) of row y.
  /// @param from, to  the row's RGB triples, of the picture and of what is drawn
  virtual void paint(int y, const std::uint8_t* from, std::size_t begin, std::size_t end, std::uint8_t* to) = 0;
};

/// Red, green and blue as the eye weighs them.
[[nodiscard]] inline std::uint32_t brightness(const std::uint8_t* pixel) noexcept {
  return (77U * pixel[0] + 150U * pixel[1] + 29U * pixel[2]) >> 8;
}

/// The picture with ink where the network looked, and nearly grey elsewhere. The border may lie within a pixel.
[[nodiscard]] Image paint_seen(const Image& original, const SeenArea& seen, MapInk& ink);

}  // namespace fovea
