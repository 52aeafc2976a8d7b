// Matrix products in double on one thread: as wide as the CPU's vectors, where Eigen's are compiled for the oldest CPU.
#pragma once

#include <cstddef>

namespace fovea {

/// [rows, cols] with any distance between rows and between columns: a part of a matrix, or its transpose.
struct ViewF64 {
  const double* values = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t row_step = 0;
  std::size_t col_step = 1;

  [[nodiscard]] ViewF64 transposed() const noexcept { return {values, cols, rows, col_step, row_step}; }
  [[nodiscard]] ViewF64 columns(std::size_t first, std::size_t count) const noexcept {
    return {values + first * col_step, rows, count, row_step, col_step};
  }
  [[nodiscard]] double at(std::size_t row, std::size_t col) const noexcept {
    return values[row * row_step + col * col_step];
  }
};

/// Which values of a factor count; all other values are taken as 0.
enum class Sign { kAny, kPositive, kNegative };

/// y += a · b. Each sum runs along the depth, first to last, whatever the vectors' width.
/// @param a  [rows, depth]
/// @param b  [depth, cols]
/// @param y  [rows, cols], rows `y_step` apart
void add_product_on_one_thread(const ViewF64& a, const ViewF64& b, Sign sign_of_b, double* y, std::size_t y_step);

/// Columns of b that are multiplied at a time: those who share them among threads give each thread a multiple.
[[nodiscard]] std::size_t product_panel_width();

}  // namespace fovea
