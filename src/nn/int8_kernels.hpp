// Rows of float32 numbers as 8-bit integers with a scale, and sums of their products as float32 again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fovea::nn {

/// Symmetric, each row by its own largest absolute value: q = round(x · 127 / max|x|), ties to even, in [-127, 127],
/// and scale = max|x| / 127. A row of zeros has scale 0; the scale of a row with NaN or infinity is not finite, so that
/// what is computed with it is not either.
/// @param x       [rows, features]
/// @param q       [rows, features]
/// @param scales  [rows]
void quantize_rows(std::size_t features, std::span<const float> x, std::span<std::int8_t> q, std::span<float> scales);

/// y = sums · (row scale · column scale) + bias; with `accumulate` y += it.
/// @param sums           [rows, features]
/// @param row_scales     [rows]
/// @param column_scales  [features]
/// @param bias           [features]
/// @param y              [rows, features]
void scale_sums(std::span<const std::int32_t> sums, std::span<const float> row_scales,
                std::span<const float> column_scales, std::span<const float> bias, bool accumulate, std::span<float> y);

}  // namespace fovea::nn
