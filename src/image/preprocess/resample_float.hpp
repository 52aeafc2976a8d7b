// Resampling without rounding to 8 bits: torch's antialiased interpolate() of float32 (PyTorch
// aten/src/ATen/native/cpu/UpSampleKernel.cpp).
#pragma once

#include <vector>

#include "fovea/image.hpp"
#include "image/preprocess/resample.hpp"

namespace fovea {

/// Multiplies the pixels by `factor`, resizes and cuts to `region`.
/// @param filter  kBilinear or kBicubic
/// @return        [3, region height, region width]
[[nodiscard]] std::vector<float> resample_float(const Image& image, float factor, Size to, Interpolation filter,
                                                Region region);

}  // namespace fovea
