// The resampler again, as plain loops over the formulas: what the fast one is compared with.
#pragma once

#include "fovea/image.hpp"

namespace fovea::test {

/// Image.resize((to.width, to.height), filter) of Pillow 13; every filter but kNearest.
[[nodiscard]] Image naive_resample(const Image& image, Size to, Interpolation filter);

}  // namespace fovea::test
