// Products of bfloat16 matrices with float32 sums, on one core, for the matrices of attention, which are multiplied
// once: oneDNN would first spend as long on arranging them. Only where has_units(Precision::kBf16).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "nn/attention/attention_kernels.hpp"
#include "nn/kernels/rows.hpp"

namespace fovea::nn {

/// The units add two products at a time: rows 2i and 2i + 1 of the right factor lie in one word, the first in its lower
/// half.
using Bf16Pair = std::uint32_t;
[[nodiscard]] constexpr std::size_t pairs_of(std::size_t depth) noexcept {
  return (depth + 1) / 2;
}

/// The right factor of a product, rounded: [depth, cols] → [pairs_of(depth), cols], a last odd row with zeros.
void pair_rows(std::size_t depth, std::size_t cols, Strided<const float> from, Strided<Bf16Pair> to);
/// The nearest bfloat16 numbers, ties to even; zeros for what is too small for a normal one.
/// @param result  of x's size
void round_to_bf16(std::span<const float> x, std::uint16_t* result);
/// The left factor, rounded: [rows, depth] → the same with rows of 2 · pairs_of(depth), a last odd column with zeros.
void round_rows(std::size_t rows, std::size_t depth, Strided<const float> from, Strided<std::uint16_t> to);

/// y = scales ⊙ (a · b), a scale for each row.
/// @param a  [rows, 2 · pairs_of(depth)]
/// @param b  [pairs_of(depth), cols]
/// @param y  [rows, cols]
void multiply_bf16(const ProductSize& size, const float* scales, Strided<const std::uint16_t> a,
                   Strided<const Bf16Pair> b, Strided<float> y);

/// The softmax of each row as the left factor of a product: the row's exponentials as round_rows would have them, and
/// the scale of the product's row.
/// @param logits        [rows, cols]; become the softmax in float32 if it is shown, else undefined
/// @param exponentials  [rows, 2 · pairs_of(cols)]
/// @param scales        [rows]
void softmax_rows_bf16(std::size_t rows, std::size_t cols, bool shown, Strided<float> logits,
                       Strided<std::uint16_t> exponentials, float* scales);

}  // namespace fovea::nn
