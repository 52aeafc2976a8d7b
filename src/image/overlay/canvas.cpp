#include "image/overlay/canvas.hpp"

#include <algorithm>
#include <cstddef>

namespace fovea {

Image filled(Size size, std::uint8_t level) {
  Image image(size);
  std::fill(image.pixels().begin(), image.pixels().end(), level);
  return image;
}

void paste(const Image& part, int top, int left, Image& canvas) {
  for (int y = 0; y < part.size().height; ++y) {
    std::copy_n(part.row(y), part.row_bytes(), canvas.row(top + y) + static_cast<std::size_t>(left) * 3);
  }
}

}  // namespace fovea
