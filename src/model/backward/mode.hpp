// What a backward pass differentiates, and what the biases on its way contribute to the score.
#pragma once

#include <cassert>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/tensor.hpp"
#include "model/forward/norm.hpp"
#include "model/weights/weights.hpp"
#include "nn/kernels/dot_kernels.hpp"

namespace fovea {

struct BackwardMode {
  Gradients gradients = Gradients::kTrue;
  float gamma = 0;                            // of LRP-γ in the MLPs and the head; only with Gradients::kLibra
  const AbsoluteWeights* absolute = nullptr;  // with a gamma
  bool counts_biases = false;                 // with Gradients::kLibra, where somebody reads the sum
  double biases = 0;                          // Σ bias · d_y over the layers that the pass has gone through

  /// A layer's bias, [features] or none, once the gradient of its output is known.
  /// @param d_y  [rows, features]
  void count_bias(std::span<const float> bias, std::span<const float> d_y) {
    if (!counts_biases || bias.empty()) return;
    assert(d_y.size() % bias.size() == 0);
    std::vector<double> of_row(d_y.size() / bias.size());
    nn::dot_rows(bias.size(), {bias.data(), 0}, {d_y.data(), bias.size()}, of_row);
    biases = std::accumulate(of_row.begin(), of_row.end(), biases);
  }

  /// d_x += the gradient through a norm, whose bias is counted; parameters as of norm_backward().
  void norm(const Architecture& a, const NormWeights& norm, std::span<const float> x, std::span<const float> d_y,
            std::span<float> d_x) {
    if (norm) count_bias(norm.bias, d_y);
    norm_backward(a, gradients, norm, x, d_y, d_x);
  }
};

}  // namespace fovea
