// The yardstick: independent f32 fused multiply-adds in registers, as wide as this CPU has them.
#pragma once

#include <cstddef>

namespace fovea::nn {

/// @return  the floating point operations done (2 for each multiply-add).
double run_fused_multiply_adds(std::size_t rounds);

}  // namespace fovea::nn
