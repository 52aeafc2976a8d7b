// A row-major matrix inside a larger one.
#pragma once

#include <cstddef>

#include "base/aligned_buffer.hpp"

namespace fovea::nn {

/// Rows lie `stride` floats apart.
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

}  // namespace fovea::nn
