// Rows of matrices on their way from one operation to the next.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace fovea::nn {

/// Called with a few rows of a result that are complete, on the thread that completed them.
using RowsDone = std::function<void(std::size_t first, std::size_t count)>;

/// Rows of a [rows, features] matrix.
template <typename T>
[[nodiscard]] std::span<T> rows_of(std::span<T> matrix, std::size_t features, std::size_t first, std::size_t count) {
  return matrix.subspan(first * features, count * features);
}

}  // namespace fovea::nn
