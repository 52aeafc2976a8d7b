// Which file computes which precision.
#include "nn/linear.hpp"

#include "nn/linear_precisions.hpp"

namespace fovea {

std::string_view name(Precision precision) noexcept {
  switch (precision) {
    case Precision::kF32: return "f32";
  }
  return "?";
}

namespace nn {

std::unique_ptr<LinearWeights> pack_linear(Precision precision, MatrixView<const float> weight,
                                           std::span<const float> bias) {
  switch (precision) {
    case Precision::kF32: return pack_linear_f32(weight, bias);
  }
  return nullptr;
}

std::unique_ptr<LinearWeights> pack_linear_backward(Precision precision, MatrixView<const float> weight) {
  switch (precision) {
    case Precision::kF32: return pack_linear_backward_f32(weight);
  }
  return nullptr;
}

std::unique_ptr<Linear> make_linear(Precision precision, const LinearShape& shape, Workspace& workspace) {
  switch (precision) {
    case Precision::kF32: return make_linear_f32(shape, workspace);
  }
  return nullptr;
}

}  // namespace nn
}  // namespace fovea
