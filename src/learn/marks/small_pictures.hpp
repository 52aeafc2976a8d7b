// Pictures of one small size, in which marks are looked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fovea::learn {

/// Whole pictures, squashed to squares of one size.
struct SmallPictures {
  std::size_t side = 0;           // px
  std::vector<std::uint8_t> rgb;  // [n, side, side, 3]

  [[nodiscard]] std::size_t bytes() const noexcept { return side * side * 3; }  // of one picture
  [[nodiscard]] std::size_t count() const noexcept { return side == 0 ? 0 : rgb.size() / bytes(); }
  /// [side, side, 3]
  [[nodiscard]] std::span<const std::uint8_t> picture(std::size_t i) const {
    return std::span(rgb).subspan(i * bytes(), bytes());
  }
};

/// A part of a picture, as shares of its height and width.
struct RelativeBox {
  double top = 0;
  double left = 0;
  double bottom = 1;
  double right = 1;
};

}  // namespace fovea::learn
