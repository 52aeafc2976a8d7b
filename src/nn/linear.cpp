// Which file computes which precision.
#include "nn/linear.hpp"

#include "nn/linear_precisions.hpp"

namespace fovea::nn {

std::size_t bf16_parts(Precision precision) noexcept {
  switch (precision) {
    case Precision::kF32: return 0;
    case Precision::kBf16x6: return 3;
    case Precision::kBf16x3: return 2;
    case Precision::kBf16: return 1;
  }
  return 0;
}

std::unique_ptr<LinearWeights> pack_linear(Precision precision, MatrixView<const float> weight,
                                           std::span<const float> bias) {
  const std::size_t parts = bf16_parts(precision);
  return parts == 0 ? pack_linear_f32(weight, bias) : pack_linear_bf16(parts, weight, bias);
}

std::unique_ptr<LinearWeights> pack_linear_backward(Precision precision, MatrixView<const float> weight) {
  const std::size_t parts = bf16_parts(precision);
  return parts == 0 ? pack_linear_backward_f32(weight) : pack_linear_backward_bf16(parts, weight);
}

std::unique_ptr<Linear> make_linear(Precision precision, const LinearShape& shape, Workspace& workspace) {
  const std::size_t parts = bf16_parts(precision);
  return parts == 0 ? make_linear_f32(shape, workspace) : make_linear_bf16(parts, shape, workspace);
}

}  // namespace fovea::nn
