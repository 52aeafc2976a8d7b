// A model's norms over dense rows, forward and backward.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <functional>
#include <span>

#include "fovea/architecture.hpp"
#include "model/weights/weights.hpp"
#include "nn/kernels/norm_kernels.hpp"

namespace fovea {

/// The model's kind of norm over rows of so many features.
[[nodiscard]] inline nn::NormShape norm_shape(const Architecture& a, std::size_t rows, std::size_t features) {
  return {a.rms_norm ? nn::NormKind::kRms : nn::NormKind::kLayer, rows, features, a.norm_eps};
}

/// The norm of each head's output in differential attention (timm's sub_norm).
[[nodiscard]] inline nn::NormShape sub_norm_shape(const Architecture& a, std::size_t rows) {
  return {nn::NormKind::kRms, rows, a.head_dim(), 1e-5F};
}

/// What a sub-layer reads is normalised by this norm; none where norms stand after the sub-layers.
[[nodiscard]] inline const NormWeights& norm_before(const Architecture& a, const NormWeights& norm) {
  static const NormWeights kNone;
  return a.norm_after ? kNone : norm;
}

/// @param norm  may be none: then y = x
/// @param x, y  [rows, features]; may be the same memory
/// @param done  told about all rows of y where there is a norm; may be empty
inline void norm_forward(const Architecture& a, const NormWeights& norm, std::span<const float> x, std::span<float> y,
                         const nn::RowsDone& done = {}) {
  assert(x.size() == y.size());
  if (!norm) {
    if (x.data() != y.data()) std::copy(x.begin(), x.end(), y.begin());
    return;
  }
  const std::size_t features = norm.weight.size();
  nn::normalize(norm_shape(a, x.size() / features, features), norm.weight, norm.bias, {x.data(), features},
                {y.data(), features}, done);
}

/// d_x += the gradient with respect to x; for Gradients::kLibra with a constant deviation.
/// @param norm      may be none: then d_x += d_y
/// @param x         what norm_forward() read
/// @param d_y, d_x  of x's size, apart from each other
inline void norm_backward(const Architecture& a, Gradients gradients, const NormWeights& norm, std::span<const float> x,
                          std::span<const float> d_y, std::span<float> d_x) {
  assert(x.size() == d_y.size() && x.size() == d_x.size());
  if (!norm) {
    std::transform(d_x.begin(), d_x.end(), d_y.begin(), d_x.begin(), std::plus<>());
    return;
  }
  const std::size_t features = norm.weight.size();
  nn::normalize_backward(norm_shape(a, x.size() / features, features), gradients, norm.weight, {x.data(), features},
                         {d_y.data(), features}, {d_x.data(), features});
}

}  // namespace fovea
