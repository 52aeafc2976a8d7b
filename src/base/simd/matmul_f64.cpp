#include "base/simd/matmul_f64.hpp"

#include <algorithm>
#include <cassert>

#include "base/aligned_buffer.hpp"

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/simd/matmul_f64.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;

/// Columns of b that are multiplied at a time: two vectors.
std::size_t panel_width() {
  return 2 * hn::Lanes(Doubles());
}

template <typename Value>
void pack_panel_of(const ViewF64& b, std::size_t first, Value&& value, double* panel) {
  const std::size_t width = panel_width();
  const std::size_t cols = std::min(width, b.cols - first);
  if (cols < width) std::fill_n(panel, b.rows * width, 0.0);
  const double* const from = b.values + first * b.col_step;
  if (b.col_step == 1) {
    for (std::size_t k = 0; k < b.rows; ++k) {
      for (std::size_t c = 0; c < cols; ++c) panel[k * width + c] = value(from[k * b.row_step + c]);
    }
    return;
  }
  for (std::size_t c = 0; c < cols; ++c) {
    for (std::size_t k = 0; k < b.rows; ++k) panel[k * width + c] = value(from[k * b.row_step + c * b.col_step]);
  }
}

/// Some columns of b as they are multiplied: [depth, panel_width], the columns that b does not have zero.
void pack_panel(const ViewF64& b, Sign sign, std::size_t first, double* panel) {
  switch (sign) {
    case Sign::kAny:
      return pack_panel_of(
          b, first, [](double v) { return v; }, panel);
    case Sign::kPositive:
      return pack_panel_of(
          b, first, [](double v) { return std::max(v, 0.0); }, panel);
    case Sign::kNegative:
      return pack_panel_of(
          b, first, [](double v) { return std::min(v, 0.0); }, panel);
  }
}

/// kRows rows of a · panel, in registers from the first to the last step of the depth, then added to `cols` columns.
template <std::size_t kRows>
void add_tile(const ViewF64& a, std::size_t first_row, const double* panel, std::size_t cols, double* y,
              std::size_t y_step) {
  const Doubles d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<Doubles> sums[kRows][2];
  for (auto& row : sums) row[0] = row[1] = hn::Zero(d);
  const double* const a_rows = a.values + first_row * a.row_step;
  for (std::size_t k = 0; k < a.cols; ++k) {
    const auto left = hn::Load(d, panel + k * 2 * lanes);
    const auto right = hn::Load(d, panel + (k * 2 + 1) * lanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto value = hn::Set(d, a_rows[r * a.row_step + k * a.col_step]);
      sums[r][0] = hn::MulAdd(value, left, sums[r][0]);
      sums[r][1] = hn::MulAdd(value, right, sums[r][1]);
    }
  }
  HWY_ALIGN double row[2 * HWY_LANES(double)];
  for (std::size_t r = 0; r < kRows; ++r) {
    hn::Store(sums[r][0], d, row);
    hn::Store(sums[r][1], d, row + lanes);
    double* const y_row = y + (first_row + r) * y_step;
    for (std::size_t c = 0; c < cols; ++c) y_row[c] += row[c];
  }
}

void add_panel(const ViewF64& a, const double* panel, std::size_t cols, double* y, std::size_t y_step) {
  using Tile = void (*)(const ViewF64&, std::size_t, const double*, std::size_t, double*, std::size_t);
  constexpr std::size_t kMostRows = 6;  // of two vectors each: as many as the 16 registers of AVX2 hold
  constexpr Tile kRest[kMostRows] = {nullptr, add_tile<1>, add_tile<2>, add_tile<3>, add_tile<4>, add_tile<5>};
  std::size_t row = 0;
  for (; row + kMostRows <= a.rows; row += kMostRows) add_tile<kMostRows>(a, row, panel, cols, y, y_step);
  if (row < a.rows) kRest[a.rows - row](a, row, panel, cols, y, y_step);
}

void add_columns(const ViewF64& a, const ViewF64& b, Sign sign, std::size_t first, double* panel, double* y,
                 std::size_t y_step) {
  pack_panel(b, sign, first, panel);
  add_panel(a, panel, std::min(panel_width(), b.cols - first), y + first, y_step);
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea {

HWY_EXPORT(panel_width);
HWY_EXPORT(add_columns);

std::size_t product_panel_width() {
  return HWY_DYNAMIC_DISPATCH(panel_width)();
}

void add_product_on_one_thread(const ViewF64& a, const ViewF64& b, Sign sign_of_b, double* y, std::size_t y_step) {
  assert(a.cols == b.rows);
  const std::size_t width = product_panel_width();
  AlignedBuffer<double> panel(b.rows * width);
  for (std::size_t first = 0; first < b.cols; first += width) {
    HWY_DYNAMIC_DISPATCH(add_columns)(a, b, sign_of_b, first, panel.data(), y, y_step);
  }
}

}  // namespace fovea
#endif
