// The heat overlay computed pixel by pixel, straight from its description.
#pragma once

#include "fovea/image.hpp"
#include "fovea/overlay.hpp"
#include "fovea/tensor.hpp"

namespace fovea::test {

/// The picture with its map in colours and without a caption; style.style is taken as kHeat.
[[nodiscard]] Image naive_heat_overlay(const Image& picture, MatrixView<const float> map, const CropGeometry& geometry,
                                       const OverlayStyle& style, bool is_signed);

}  // namespace fovea::test
