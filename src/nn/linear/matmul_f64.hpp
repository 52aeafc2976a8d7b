// Matrix products in double, for what float cannot carry: relevance divides by sums that nearly cancel.
#pragma once

#include <cstddef>
#include <vector>

namespace fovea::nn {

/// [rows, cols] with any distance between rows and between columns: a part of a matrix, or its transpose.
struct ViewF64 {
  const double* values = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t row_step = 0;
  std::size_t col_step = 1;

  [[nodiscard]] ViewF64 transposed() const noexcept { return {values, cols, rows, col_step, row_step}; }
  [[nodiscard]] double at(std::size_t row, std::size_t col) const noexcept {
    return values[row * row_step + col * col_step];
  }
};

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
    return {values.data() + first, rows, count, cols};
  }
};

/// Which values of a factor count; all other values are taken as 0.
enum class Sign { kAny, kPositive, kNegative };

/// y += a · b, on the calling thread's OpenMP threads; the same bits for any number of them.
/// @param a  [rows, depth]
/// @param b  [depth, cols]
/// @param y  [rows, cols], rows `y_step` apart
void add_product(const ViewF64& a, const ViewF64& b, Sign sign_of_b, double* y, std::size_t y_step);

/// a · b
[[nodiscard]] MatrixF64 product(const ViewF64& a, const ViewF64& b, Sign sign_of_b = Sign::kAny);

}  // namespace fovea::nn
