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

/// Paints the ink where the network looked and dims the rest to nearly grey. The border may fall inside a pixel.
/// @param canvas  gets the picture with its upper left corner at (0, left); the picture must fit
void paint_seen(const Image& original, const SeenArea& seen, MapInk& ink, int left, Image& canvas);

}  // namespace fovea
