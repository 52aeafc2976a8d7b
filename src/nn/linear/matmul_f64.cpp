#include "nn/linear/matmul_f64.hpp"

#include <algorithm>

namespace fovea::nn {

void add_product(const ViewF64& a, const ViewF64& b, Sign sign_of_b, double* y, std::size_t y_step) {
  const std::size_t width = product_panel_width();
#pragma omp parallel for schedule(static)
  for (std::size_t first = 0; first < b.cols; first += width) {
    add_product_on_one_thread(a, b.columns(first, std::min(width, b.cols - first)), sign_of_b, y + first, y_step);
  }
}

MatrixF64 product(const ViewF64& a, const ViewF64& b, Sign sign_of_b) {
  MatrixF64 y(a.rows, b.cols);
  add_product(a, b, sign_of_b, y.values.data(), y.cols);
  return y;
}

}  // namespace fovea::nn
