// The resampler as plain loops over the formulas, to compare the fast one with.
#pragma once

#include "image/preprocess/resample.hpp"

namespace fovea::test {

/// Both resamplers, in either order of passes, with every filter except kNearest.
[[nodiscard]] Image naive_resample(const Image& image, Size to, const Resampling& how);

}  // namespace fovea::test
