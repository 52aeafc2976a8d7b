// 8-bit resampling that equals Pillow's and torch's to the bit (Pillow src/libImaging/Resample.c; PyTorch
// aten/src/ATen/native/cpu/UpSampleKernel.cpp).
#pragma once

#include "fovea/image.hpp"

namespace fovea {

/// A part of the output, in output pixels.
struct Region {
  int top = 0;
  int left = 0;
  Size size;
};

struct Resampling {
  Interpolation filter = Interpolation::kBicubic;
  Resampler resampler = Resampler::kPillow;
  int pillow_version = 13;
};

/// Pillow: Image.resize((to.width, to.height), filter). ATen: interpolate(antialias=True) on a uint8 tensor, and
/// "nearest-exact" for kNearest, as torchvision's resize() does. The result is cut to `region`, and only what the
/// region needs is computed.
/// @throws Error  kShape for a region outside the result; kUsage for a filter that ATen does not have.
[[nodiscard]] Image resample(const Image& image, Size to, const Resampling& how, Region region);
[[nodiscard]] Image resample(const Image& image, Size to, const Resampling& how);

}  // namespace fovea
