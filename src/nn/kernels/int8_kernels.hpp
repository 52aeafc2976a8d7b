// Rows of float32 numbers as 8-bit integers with a scale, and sums of their products as float32 again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fovea::nn {

/// Symmetric, each row by its own largest absolute value: q = round(x · 127 / max|x|), ties to even, in [-127, 127],
/// and scale = max|x| / 127. A row of zeros has scale 0; the scale of a row with NaN or infinity is not finite, so that
/// results computed with it are not finite either.
/// @param x       [rows, features]
/// @param q       [rows, features]
/// @param scales  [rows]
void quantize_rows(std::size_t features, std::span<const float> x, std::span<std::int8_t> q, std::span<float> scales);

/// What a row of numbers from 0 to 255 stands for: x = scale · (q - zero).
struct RowStep {
  float scale;
  std::int32_t zero;  // 0 to 255
};
/// Asymmetric, each row by its own range, widened to hold 0, so that 0 is exact. After an activation, where little is
/// below 0, this is one bit more than symmetric integers have. A row of zeros has scale 0; the scale of a row
/// with NaN or infinity is not finite.
/// @param x, q   [rows, features]
/// @param steps  [rows]
void quantize_rows(std::size_t features, std::span<const float> x, std::span<std::uint8_t> q, std::span<RowStep> steps);

/// The weights of a layer, by which its sums are scaled.
struct IntegerColumns {
  std::span<const std::int32_t> sums;  // [features] of each column's integers
  std::span<const float> scales;       // [features]
  std::span<const float> bias;         // [features]
};
/// On the calling thread alone: y = (sums - zero · column sum) · (row scale · column scale) + bias; with `accumulate`
/// y += it.
/// @param sums   [rows, features]
/// @param steps  [rows]
/// @param y      [rows, features]
void scale_sums(std::span<const std::int32_t> sums, std::span<const RowStep> steps, const IntegerColumns& columns,
                bool accumulate, std::span<float> y);

}  // namespace fovea::nn
