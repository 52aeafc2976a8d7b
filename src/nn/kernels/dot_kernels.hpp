// Products of rows, summed in double.
#pragma once

#include <cstddef>
#include <span>

#include "nn/kernels/rows.hpp"

namespace fovea::nn {

/// dots[r] = Σ_i a[r, i] · b[r, i]. Each row is summed in one way by one thread, so the sums do not depend on the
/// number of threads.
/// @param a, b  [rows, features]; a stride of 0 repeats one row
/// @param dots  [rows]
void dot_rows(std::size_t features, Strided<const float> a, Strided<const float> b, std::span<double> dots);

}  // namespace fovea::nn
