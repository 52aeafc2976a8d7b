// The nonlinearities of an MLP that oneDNN lacks or is slow at. Each value is computed in one way whichever thread does
// it.
#pragma once

#include <cstddef>
#include <span>

namespace fovea::nn {

/// silu(gate) · value (Shazeer 2020).
/// @param x  [rows, 2·features], gate first
/// @param y  [rows, features]
void silu_gate(std::size_t rows, std::size_t features, std::span<const float> x, std::span<float> y);
/// @param dy  [rows, features]
/// @param dx  [rows, 2·features]
void silu_gate_backward(std::size_t rows, std::size_t features, std::span<const float> x, std::span<const float> dy,
                        std::span<float> dx);

/// dy ⊙ gelu'(x) with gelu(x) = x Φ(x), Φ the normal distribution (Hendrycks & Gimpel 2016), so gelu'(x) = Φ(x) + x
/// φ(x).
/// @param x, dy, dx  of one size; dx may be dy
void gelu_backward(std::span<const float> x, std::span<const float> dy, std::span<float> dx);

}  // namespace fovea::nn
