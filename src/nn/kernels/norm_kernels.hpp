// The norms of rows. Each row is computed in one way by one thread, so results depend on neither the number of rows nor
// of threads.
#pragma once

#include <cstddef>
#include <span>

#include "fovea/tensor.hpp"
#include "nn/kernels/rows.hpp"

namespace fovea::nn {

enum class NormKind {
  kLayer,  // (x - mean) / sqrt(variance + eps) · weight + bias (Ba et al. 2016)
  kRms,    // x / sqrt(mean of squares + eps) · weight (Zhang & Sennrich 2019)
};

struct NormShape {
  NormKind kind = NormKind::kLayer;
  std::size_t rows = 0;
  std::size_t features = 0;
  float eps = 1e-6F;  // added to the variance
};

/// @param weight, bias  [features]; RMSNorm has no bias
/// @param x, y          [rows, features]; may be the same memory
/// @param done          told about all rows of y; may be empty
void normalize(const NormShape& shape, std::span<const float> weight, std::span<const float> bias,
               Strided<const float> x, Strided<float> y, const RowsDone& done = {});

/// dx += the gradient with respect to x of normalize(); for Gradients::kLibra the one with a constant deviation.
/// @param dy  [rows, features], the gradient with respect to y
/// @param dx  [rows, features]; not the same memory as dy
void normalize_backward(const NormShape& shape, Gradients gradients, std::span<const float> weight,
                        Strided<const float> x, Strided<const float> dy, Strided<float> dx);

}  // namespace fovea::nn
