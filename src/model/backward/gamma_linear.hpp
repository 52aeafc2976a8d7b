// LRP-γ through a linear layer: what speaks for the layer's output counts 1 + γ times as much as what speaks against
// it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/aligned_buffer.hpp"
#include "fovea/precision.hpp"
#include "model/backward/mode.hpp"
#include "model/weights/weights.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// zennit's generalised rule for inputs and outputs of either sign has eight products and stabilisers. The sums of the
/// positive and of the negative parts are halves of x Wᵀ ± |x| |W|ᵀ, so this form has three products, divides by
/// nothing that can be 0, and is libra's backward pass for γ = 0:
///   ρ   = |y| / (|y| + γ/2 (|y| + |x| |W|ᵀ + |b|)),  S = ρ ⊙ d_y
///   d_x = (1 + γ/2) S W + γ/2 sgn(x) ⊙ ((S ⊙ sgn(y)) |W|)
class GammaLinear {
 public:
  struct Weights {
    const nn::LinearWeights& forward;
    const nn::LinearWeights& backward;
    const AbsoluteLayer& absolute;
  };
  /// @param forward   the precision that the layer was computed in
  /// @param backward  the precision of all other products
  GammaLinear(Precision forward, Precision backward, std::size_t rows, std::size_t in, std::size_t out,
              nn::Workspace& workspace);

  /// @param x    [rows, in], what the layer read
  /// @param d_y  [rows, out]
  /// @param d_x  [rows, in], overwritten
  void operator()(const Weights& weights, std::span<const float> x, std::span<const float> d_y, std::span<float> d_x,
                  BackwardMode& mode);

 private:
  std::unique_ptr<nn::Linear> forward_;            // [rows, in] → [rows, out], y
  std::unique_ptr<nn::Linear> absolute_;           // [rows, in] → [rows, out], |x| |W|ᵀ + |b|
  std::unique_ptr<nn::Linear> backward_;           // [rows, out] → [rows, in], S W
  std::unique_ptr<nn::Linear> absolute_backward_;  // [rows, out] → [rows, in], (S ⊙ sgn(y)) |W|
  AlignedBuffer<float> in_rows_;                   // [rows, in]: |x|, later what absolute_backward_ gives
  AlignedBuffer<float> y_;                         // [rows, out], later S
  AlignedBuffer<float> total_;                     // [rows, out]: |x| |W|ᵀ + |b|, later S ⊙ sgn(y)
};

}  // namespace fovea
