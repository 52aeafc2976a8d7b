// The yardsticks of arithmetic and of memory, as wide as this CPU's vectors.
#pragma once

#include <cstddef>

namespace fovea::nn {

/// Independent float32 fused multiply-adds in registers.
/// @return  the floating point operations done (2 for each multiply-add).
double run_fused_multiply_adds(std::size_t rounds);

/// McCalpin's STREAM triad: a[i] = b[i] + s · c[i], `rounds` times over.
/// @param a, b, c  [size], on cache lines' boundaries, apart from each other; size is a multiple of 64
void run_stream_triad(std::size_t size, std::size_t rounds, float* a, const float* b, const float* c);

}  // namespace fovea::nn
