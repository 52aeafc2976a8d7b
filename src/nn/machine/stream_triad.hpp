// The yardstick of memory: McCalpin's STREAM triad, as wide as this CPU's vectors.
#pragma once

#include <cstddef>

namespace fovea::nn {

/// a[i] = b[i] + s · c[i], `rounds` times over.
/// @param a, b, c  [size], on cache lines' boundaries, apart from each other; size is a multiple of 64
void run_stream_triad(std::size_t size, std::size_t rounds, float* a, const float* b, const float* c);

}  // namespace fovea::nn
