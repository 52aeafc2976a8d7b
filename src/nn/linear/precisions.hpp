// Three functions for each kind of arithmetic, each kind in a file of its own.
#pragma once

#include "fovea/precision.hpp"
#include "nn/linear/linear.hpp"

namespace fovea::nn {

[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_f32(MatrixView<const float> weight,
                                                             std::span<const float> bias);
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_backward_f32(MatrixView<const float> weight);
[[nodiscard]] std::unique_ptr<Linear> make_linear_f32(const LinearShape& shape, Workspace& workspace);

/// Bfloat16 numbers that each number is cut into; 0: none.
[[nodiscard]] std::size_t bf16_parts(Precision precision) noexcept;
/// The other way round, for 1 to 3 parts.
[[nodiscard]] Precision precision_of_parts(std::size_t parts) noexcept;
/// @param parts  bfloat16 numbers for each float32 one, 1 to 3
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_bf16(std::size_t parts, MatrixView<const float> weight,
                                                              std::span<const float> bias);
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_backward_bf16(std::size_t parts,
                                                                       MatrixView<const float> weight);
[[nodiscard]] std::unique_ptr<Linear> make_linear_bf16(std::size_t parts, const LinearShape& shape,
                                                       Workspace& workspace);

/// Whether this CPU has AMX's tiles for bfloat16, and the system lets this process use them.
[[nodiscard]] bool has_amx();
/// The same where has_amx().
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_amx(std::size_t parts, MatrixView<const float> weight,
                                                             std::span<const float> bias);
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_backward_amx(std::size_t parts,
                                                                      MatrixView<const float> weight);
[[nodiscard]] std::unique_ptr<Linear> make_linear_amx(std::size_t parts, const LinearShape& shape);

/// Weights are rounded as nn::quantize_rows does, each output by its own scale.
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_int8(MatrixView<const float> weight,
                                                              std::span<const float> bias);
[[nodiscard]] std::unique_ptr<Linear> make_linear_int8(const LinearShape& shape, Workspace& workspace);

}  // namespace fovea::nn
