// Composes pictures from parts.
#pragma once

#include <cstdint>

#include "fovea/image.hpp"

namespace fovea {

inline constexpr std::uint8_t kCanvasLevel = 24;  // grey, between and beside pictures

[[nodiscard]] Image filled(Size size, std::uint8_t level);
/// Copies `part`, which must fit, onto the canvas.
void paste(const Image& part, int top, int left, Image& canvas);

}  // namespace fovea
