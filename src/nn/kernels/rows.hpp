// Rows of matrices: inside a larger one, and handed from one operation to the next.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "base/aligned_buffer.hpp"

namespace fovea::nn {

/// A row-major matrix whose rows lie `stride` floats apart.
template <typename T>
struct Strided {
  T* values;
  std::size_t stride;
};

/// A stride for rows of `cols` floats that each begin on a cache line, if the first one does: a load or store of the
/// widest vector then never touches two.
[[nodiscard]] constexpr std::size_t aligned_stride(std::size_t cols) noexcept {
  constexpr std::size_t kLine = kCacheLine / sizeof(float);
  return (cols + kLine - 1) / kLine * kLine;
}

template <typename T>
[[nodiscard]] constexpr Strided<T> from_row(Strided<T> matrix, std::size_t row) noexcept {
  return {matrix.values + row * matrix.stride, matrix.stride};
}

/// Rows of a [rows, features] matrix.
template <typename T>
[[nodiscard]] std::span<T> rows_of(std::span<T> matrix, std::size_t features, std::size_t first, std::size_t count) {
  return matrix.subspan(first * features, count * features);
}

/// Called with a few rows of a result that are complete, on the thread that completed them.
using RowsDone = std::function<void(std::size_t first, std::size_t count)>;

}  // namespace fovea::nn
