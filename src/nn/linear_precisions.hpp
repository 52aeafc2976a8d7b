// One pair of functions for each precision, each pair in a file of its own.
#pragma once

#include "nn/linear.hpp"

namespace fovea::nn {

[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_f32(MatrixView<const float> weight,
                                                             std::span<const float> bias);
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_backward_f32(MatrixView<const float> weight);
[[nodiscard]] std::unique_ptr<Linear> make_linear_f32(const LinearShape& shape, Workspace& workspace);

}  // namespace fovea::nn
