// Sizes and strides of tensors, checked against overflow: what every format needs before it trusts a shape.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace fovea {

constexpr std::size_t kMaxRank = 8;

/// The bytes of a tensor without gaps; none if that overflows.
[[nodiscard]] std::optional<std::size_t> byte_size(DType dtype, std::span<const std::size_t> shape) noexcept;

/// In elements, last axis fastest (C) or first axis fastest (Fortran). The product of `shape` must not overflow.
[[nodiscard]] std::vector<std::size_t> row_major_strides(std::span<const std::size_t> shape);
[[nodiscard]] std::vector<std::size_t> column_major_strides(std::span<const std::size_t> shape);

/// Whether these strides are row-major without gaps; those of axes of size 1 do not matter.
[[nodiscard]] bool is_row_major(std::span<const std::size_t> shape, std::span<const std::size_t> strides);

/// Elements from the first to the last: 1 + sum of (size - 1) * stride, 0 if there is none; none if that overflows.
[[nodiscard]] std::optional<std::size_t> extent(std::span<const std::size_t> shape,
                                                std::span<const std::size_t> strides) noexcept;

}  // namespace fovea
