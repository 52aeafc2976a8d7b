// Pictures put together.
#pragma once

#include <cstdint>

#include "fovea/image.hpp"

namespace fovea {

[[nodiscard]] Image filled(Size size, std::uint8_t level);
/// `part` must fit.
void paste(const Image& part, int top, int left, Image& canvas);

}  // namespace fovea
