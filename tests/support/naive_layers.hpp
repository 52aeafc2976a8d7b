// Layers as plain loops in double.
#pragma once

#include <vector>

#include "support/tiny_model.hpp"

namespace fovea::test {

/// Normalises each row by itself (Ba et al. 2016); a row has as many features as `weight`.
[[nodiscard]] std::vector<float> naive_layer_norm(const std::vector<float>& x, const std::vector<float>& weight,
                                                  const std::vector<float>& bias, double eps);

/// [out, in] · x + bias; no bias if it is empty.
[[nodiscard]] std::vector<float> naive_linear(const TinyTensor& weight, const std::vector<float>& bias,
                                              const std::vector<float>& x);

/// The mean of the tokens after the first `prefix`; x is [N, width].
[[nodiscard]] std::vector<float> naive_patch_mean(const std::vector<float>& x, std::size_t width, std::size_t prefix);

}  // namespace fovea::test
