// The nonlinearities of an MLP. oneDNN's took a twentieth of a small model's forward pass where its own matmuls carried
// them, twice what these do in a pass of their own. Each value is computed in one way whichever thread does it.
#pragma once

#include <cstddef>
#include <span>

#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "fovea/tensor.hpp"
#include "nn/kernels/rows.hpp"

namespace fovea::nn {

/// silu(gate) · value (Shazeer 2020).
/// @param x  [rows, 2·features], gate first
/// @param y  [rows, features]
/// @param done  told about all rows of y; may be empty
void silu_gate(std::size_t rows, std::size_t features, std::span<const float> x, std::span<float> y,
               const RowsDone& done = {});
/// Gradients::kLibra: σ(gate) is constant, and each factor of the product receives half.
/// @param dy  [rows, features]
/// @param dx  [rows, 2·features]
void silu_gate_backward(Gradients gradients, std::size_t rows, std::size_t features, std::span<const float> x,
                        std::span<const float> dy, std::span<float> dx);

/// y = act(x): gelu(x) = x Φ(x), Φ the normal distribution (Hendrycks & Gimpel 2016, arXiv:1606.08415), its tanh and
/// "quick" approximations, or silu(x) = x σ(x). NaN stays NaN.
/// @param activation  not kNone
/// @param reader      what y is rounded to next: for kBf16 and kInt8 gelu, the slowest, is right to 1.2e-4 only
/// @param x, y        of one size; y may be x
void activate(Activation activation, Precision reader, std::span<const float> x, std::span<float> y);
/// dx = dy ⊙ act'(x); for Gradients::kLibra dy ⊙ act(x) / x, the gate of the activation: Φ(x) of gelu.
/// @param x, dy, dx  of one size; dx may be dy
void activate_backward(Activation activation, Gradients gradients, std::span<const float> x, std::span<const float> dy,
                       std::span<float> dx);

}  // namespace fovea::nn
