// The first frame of a GIF as a file of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fovea/image.hpp"

namespace fovea {

struct GifFrame {
  std::vector<std::byte> file;  // a GIF of this frame alone, as large as the frame
  int top = 0;                  // where it lies on the canvas
  int left = 0;
  Size size;
  std::array<std::uint8_t, 3> around{};  // the canvas' colour, as Pillow fills it
};

/// GDAL, by which OpenCV reads GIF, takes some other frame of an animation and ignores the canvas.
/// @return  none if the file ends within the first frame, or its blocks or codes make no sense.
[[nodiscard]] std::optional<GifFrame> first_gif_frame(std::span<const std::byte> file);

}  // namespace fovea
