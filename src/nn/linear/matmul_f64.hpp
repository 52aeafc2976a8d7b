// Matrices of doubles and their products on all threads, for what float cannot carry: relevance divides by sums that
// nearly cancel.
#pragma once

#include <cstddef>
#include <vector>

#include "base/simd/matmul_f64.hpp"

namespace fovea::nn {

/// [rows, cols], row-major.
struct MatrixF64 {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<double> values;

  MatrixF64() = default;
  MatrixF64(std::size_t num_rows, std::size_t num_cols)
      : rows(num_rows), cols(num_cols), values(num_rows * num_cols, 0.0) {}
  [[nodiscard]] double* row(std::size_t index) noexcept { return values.data() + index * cols; }
  [[nodiscard]] const double* row(std::size_t index) const noexcept { return values.data() + index * cols; }
  [[nodiscard]] ViewF64 view() const noexcept { return {values.data(), rows, cols, cols}; }
  [[nodiscard]] ViewF64 columns(std::size_t first, std::size_t count) const noexcept {
    return view().columns(first, count);
  }
};

/// y += a · b, on the calling thread's OpenMP threads; the same bits for any number of them.
/// @param a  [rows, depth]
/// @param b  [depth, cols]
/// @param y  [rows, cols], rows `y_step` apart
void add_product(const ViewF64& a, const ViewF64& b, Sign sign_of_b, double* y, std::size_t y_step);

/// a · b
[[nodiscard]] MatrixF64 product(const ViewF64& a, const ViewF64& b, Sign sign_of_b = Sign::kAny);

}  // namespace fovea::nn
