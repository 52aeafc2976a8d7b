// Pillow's 8-bit resampling, to the bit (Pillow src/libImaging/Resample.c).
#pragma once

#include "fovea/image.hpp"

namespace fovea {

/// A part of the output, in output pixels.
struct Region {
  int top = 0;
  int left = 0;
  Size size;
};

/// Image.resize((to.width, to.height), filter) of Pillow 13, cut to `region`; only what `region` needs is computed.
[[nodiscard]] Image resample(const Image& image, Size to, Interpolation filter, Region region);
[[nodiscard]] Image resample(const Image& image, Size to, Interpolation filter);

}  // namespace fovea
