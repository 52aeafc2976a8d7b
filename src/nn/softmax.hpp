// Softmax over rows, vectorised for the widest instruction set of the CPU.
#pragma once

#include <cstddef>
#include <span>

namespace fovea::nn {

/// exp(x - max) / sum over each row, in place; finite for logits of any size. Single-threaded.
/// @param values  [rows, cols], row-major
void softmax_rows(std::span<float> values, std::size_t cols);

}  // namespace fovea::nn
