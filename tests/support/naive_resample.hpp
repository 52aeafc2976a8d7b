// The resampler again, as plain loops over the formulas: what the fast one is compared with.
#pragma once

#include "image/preprocess/resample.hpp"

namespace fovea::test {

/// Both resamplers, in either order of passes; every filter but kNearest.
[[nodiscard]] Image naive_resample(const Image& image, Size to, const Resampling& how);

}  // namespace fovea::test
