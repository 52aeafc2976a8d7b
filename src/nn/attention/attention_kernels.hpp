// The arithmetic of attention on one core: vectorised for the widest instruction set of the CPU, compiled ahead.
#pragma once

#include <cstddef>
#include <span>

#include "nn/kernels/rows.hpp"

namespace fovea::nn {

/// y = scale · a · b.
/// @param a  [rows, depth]
/// @param b  [depth, cols]
/// @param y  [rows, cols]
struct ProductSize {
  std::size_t rows;
  std::size_t depth;
  std::size_t cols;
};
void multiply(const ProductSize& size, float scale, Strided<const float> a, Strided<const float> b, Strided<float> y);

/// y = scale · aᵀ · b.
/// @param a  [depth, rows]
void multiply_transposed(const ProductSize& size, float scale, Strided<const float> a, Strided<const float> b,
                         Strided<float> y);

/// [rows, cols] → [cols, rows]
void transpose(std::size_t rows, std::size_t cols, Strided<const float> from, Strided<float> to);

/// exp(x - max) / sum over each row, in place; finite for logits of any size.
/// @param values  [rows, cols]
void softmax_rows(std::size_t rows, std::size_t cols, Strided<float> values);

/// The gradient before the softmax from the one after it: p ⊙ (g - Σ g ⊙ p), the sum over each row.
/// @param probabilities, gradient, result  [rows, cols]
void softmax_backward_rows(std::size_t rows, std::size_t cols, Strided<const float> probabilities,
                           Strided<const float> gradient, Strided<float> result);

}  // namespace fovea::nn
