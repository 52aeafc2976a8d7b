// Sizes and strides of tensors, checked for overflow. Every format needs them before it can trust a shape.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace fovea {

constexpr std::size_t kMaxRank = 8;

/// The size of a tensor without gaps, in bytes; none on overflow.
[[nodiscard]] std::optional<std::size_t> byte_size(DType dtype, std::span<const std::size_t> shape) noexcept;

/// Strides in elements, with the last axis fastest (C) or the first (Fortran). The product of `shape` must not
/// overflow.
[[nodiscard]] std::vector<std::size_t> row_major_strides(std::span<const std::size_t> shape);
[[nodiscard]] std::vector<std::size_t> column_major_strides(std::span<const std::size_t> shape);

/// Whether these strides are row-major without gaps. Strides of axes of size 1 do not matter.
[[nodiscard]] bool is_row_major(std::span<const std::size_t> shape, std::span<const std::size_t> strides);

/// The number of elements from the first to the last: 1 + sum of (size - 1) * stride, or 0 without elements; none on
/// overflow.
[[nodiscard]] std::optional<std::size_t> extent(std::span<const std::size_t> shape,
                                                std::span<const std::size_t> strides) noexcept;

}  // namespace fovea
