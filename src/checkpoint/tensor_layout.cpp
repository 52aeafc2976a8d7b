#include "checkpoint/tensor_layout.hpp"

#include <algorithm>

namespace fovea {

std::optional<std::size_t> byte_size(DType dtype, std::span<const std::size_t> shape) noexcept {
  std::size_t bytes = item_size(dtype);
  for (const std::size_t size : shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) return std::nullopt;
  }
  return bytes;
}

std::vector<std::size_t> row_major_strides(std::span<const std::size_t> shape) {
  std::vector<std::size_t> strides(shape.size(), 1);
  for (std::size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

std::vector<std::size_t> column_major_strides(std::span<const std::size_t> shape) {
  std::vector<std::size_t> strides(shape.size(), 1);
  for (std::size_t axis = 1; axis < shape.size(); ++axis) strides[axis] = strides[axis - 1] * shape[axis - 1];
  return strides;
}

bool is_row_major(std::span<const std::size_t> shape, std::span<const std::size_t> strides) {
  const auto expected = row_major_strides(shape);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] > 1 && strides[axis] != expected[axis]) return false;
  }
  return true;
}

std::optional<std::size_t> extent(std::span<const std::size_t> shape, std::span<const std::size_t> strides) noexcept {
  if (std::find(shape.begin(), shape.end(), std::size_t{0}) != shape.end()) return 0;
  std::size_t elements = 1;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    std::size_t reach = 0;
    if (__builtin_mul_overflow(shape[axis] - 1, strides[axis], &reach) ||
        __builtin_add_overflow(elements, reach, &elements)) {
      return std::nullopt;
    }
  }
  return elements;
}

}  // namespace fovea
