// What a backward pass differentiates, and what the biases on its way contribute to the score.
#pragma once

#include <cassert>
#include <cstddef>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/tensor.hpp"
#include "model/forward/norm.hpp"
#include "model/weights/weights.hpp"

namespace fovea {

struct BackwardMode {
  Gradients gradients = Gradients::kTrue;
  float gamma = 0;                            // of LRP-γ in the MLPs and the head; only with Gradients::kLibra
  const AbsoluteWeights* absolute = nullptr;  // with a gamma
  double biases = 0;  // with Gradients::kLibra: Σ bias · d_y over the layers that the pass has gone through

  /// A layer's bias, [features] or none, once the gradient of its output is known.
  /// @param d_y  [rows, features]
  void count_bias(std::span<const float> bias, std::span<const float> d_y) {
    if (gradients != Gradients::kLibra || bias.empty()) return;
    assert(d_y.size() % bias.size() == 0);
    std::vector<double> sums(bias.size());  // of each feature: one sum of all would be a chain of additions
    for (std::size_t row = 0; row < d_y.size(); row += bias.size()) {
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(d_y[row + i]);
    }
    for (std::size_t i = 0; i < sums.size(); ++i) biases += static_cast<double>(bias[i]) * sums[i];
  }

  /// d_x += the gradient through a norm, whose bias is counted; parameters as of norm_backward().
  void norm(const Architecture& a, const NormWeights& norm, std::span<const float> x, std::span<const float> d_y,
            std::span<float> d_x) {
    if (norm) count_bias(norm.bias, d_y);
    norm_backward(a, gradients, norm, x, d_y, d_x);
  }
};

}  // namespace fovea
