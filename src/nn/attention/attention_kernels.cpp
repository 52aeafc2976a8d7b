#include "nn/attention/attention_kernels.hpp"

#include <algorithm>
#include <cassert>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/attention/attention_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include "nn/kernels/simd_tail-inl.hpp"
#include "nn/kernels/softmax-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {
/// kRows x kVectors vectors of y, in registers from the first to the last step of the depth. The last vector may be
/// partial: `last` of its lanes exist, 0 < last <= Lanes.
template <bool kTransposed, std::size_t kRows, std::size_t kVectors>
HWY_INLINE void multiply_tile(std::size_t depth, float scale, Strided<const float> a, Strided<const float> b,
                              Strided<float> y, std::size_t last) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const auto load_last = [&](const float* from) { return last == lanes ? hn::LoadU(d, from) : load_first(from, last); };
  const auto store_last = [&](hn::Vec<Floats> values, float* to) {
    last == lanes ? hn::StoreU(values, d, to) : store_first(values, to, last);
  };
  hn::Vec<Floats> sums[kRows][kVectors];
  for (auto& row : sums) {
    for (auto& sum : row) sum = hn::Zero(d);
  }
  for (std::size_t k = 0; k < depth; ++k) {
    const float* b_row = b.values + k * b.stride;
    hn::Vec<Floats> b_vectors[kVectors];
    for (std::size_t v = 0; v + 1 < kVectors; ++v) b_vectors[v] = hn::LoadU(d, b_row + v * lanes);
    b_vectors[kVectors - 1] = load_last(b_row + (kVectors - 1) * lanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto a_value = hn::Set(d, a.values[kTransposed ? k * a.stride + r : r * a.stride + k]);
      for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(a_value, b_vectors[v], sums[r][v]);
    }
  }
  const auto factor = hn::Set(d, scale);
  for (std::size_t r = 0; r < kRows; ++r) {
    float* y_row = y.values + r * y.stride;
    for (std::size_t v = 0; v + 1 < kVectors; ++v) hn::StoreU(hn::Mul(sums[r][v], factor), d, y_row + v * lanes);
    store_last(hn::Mul(sums[r][kVectors - 1], factor), y_row + (kVectors - 1) * lanes);
  }
}

/// kRows rows of y. Six rows of two vectors fit the 16 registers of AVX2 and hide the latency of the multiply-adds.
template <bool kTransposed, std::size_t kRows>
void multiply_rows(const ProductSize& size, float scale, Strided<const float> a, Strided<const float> b,
                   Strided<float> y) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t col = 0; col < size.cols; col += 2 * lanes) {
    const std::size_t left = std::min(size.cols - col, 2 * lanes);
    const Strided<const float> b_cols{b.values + col, b.stride};
    const Strided<float> y_cols{y.values + col, y.stride};
    if (left > lanes) {
      multiply_tile<kTransposed, kRows, 2>(size.depth, scale, a, b_cols, y_cols, left - lanes);
    } else {
      multiply_tile<kTransposed, kRows, 1>(size.depth, scale, a, b_cols, y_cols, left);
    }
  }
}

/// @param a  [rows, depth], or [depth, rows] where it is transposed
template <bool kTransposed>
void multiply_any(const ProductSize& size, float scale, Strided<const float> a, Strided<const float> b,
                  Strided<float> y) {
  using Rows = void (*)(const ProductSize&, float, Strided<const float>, Strided<const float>, Strided<float>);
  constexpr std::size_t kMostRows = 6;
  constexpr Rows kRest[kMostRows] = {nullptr,
                                     multiply_rows<kTransposed, 1>,
                                     multiply_rows<kTransposed, 2>,
                                     multiply_rows<kTransposed, 3>,
                                     multiply_rows<kTransposed, 4>,
                                     multiply_rows<kTransposed, 5>};
  const auto from_row = [&](std::size_t row) {
    return Strided<const float>{a.values + (kTransposed ? row : row * a.stride), a.stride};
  };
  std::size_t row = 0;
  for (; row + kMostRows <= size.rows; row += kMostRows) {
    multiply_rows<kTransposed, kMostRows>(size, scale, from_row(row), b, {y.values + row * y.stride, y.stride});
  }
  if (row < size.rows) kRest[size.rows - row](size, scale, from_row(row), b, {y.values + row * y.stride, y.stride});
}

void multiply(const ProductSize& size, float scale, Strided<const float> a, Strided<const float> b, Strided<float> y) {
  multiply_any<false>(size, scale, a, b, y);
}
void multiply_transposed(const ProductSize& size, float scale, Strided<const float> a, Strided<const float> b,
                         Strided<float> y) {
  multiply_any<true>(size, scale, a, b, y);
}

void transpose_one_by_one(std::size_t rows, std::size_t cols, Strided<const float> from, Strided<float> to) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) to.values[c * to.stride + r] = from.values[r * from.stride + c];
  }
}

#if HWY_TARGET == HWY_SCALAR
void transpose(std::size_t rows, std::size_t cols, Strided<const float> from, Strided<float> to) {
  transpose_one_by_one(rows, cols, from, to);
}
#else
/// Four by four in registers.
HWY_INLINE void transpose_tile(Strided<const float> from, Strided<float> to) {
  const hn::FixedTag<float, 4> d;
  const hn::RepartitionToWide<decltype(d)> pairs;
  const auto row0 = hn::LoadU(d, from.values);
  const auto row1 = hn::LoadU(d, from.values + from.stride);
  const auto row2 = hn::LoadU(d, from.values + 2 * from.stride);
  const auto row3 = hn::LoadU(d, from.values + 3 * from.stride);
  // With rows a, b, c, d: first a0 b0 a1 b1 and so on, then pairs of pairs, a0 b0 c0 d0.
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, row0, row1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, row2, row3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, row0, row1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, row2, row3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, to.values);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, to.values + to.stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, to.values + 2 * to.stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, to.values + 3 * to.stride);
}

void transpose(std::size_t rows, std::size_t cols, Strided<const float> from, Strided<float> to) {
  const std::size_t whole_rows = rows - rows % 4;
  const std::size_t whole_cols = cols - cols % 4;
  const auto source = [&](std::size_t r, std::size_t c) {
    return Strided<const float>{from.values + r * from.stride + c, from.stride};
  };
  const auto target = [&](std::size_t r, std::size_t c) {
    return Strided<float>{to.values + c * to.stride + r, to.stride};
  };
  for (std::size_t c = 0; c < whole_cols; c += 4) {
    for (std::size_t r = 0; r < whole_rows; r += 4) transpose_tile(source(r, c), target(r, c));
  }
  transpose_one_by_one(whole_rows, cols - whole_cols, source(0, whole_cols), target(0, whole_cols));
  transpose_one_by_one(rows - whole_rows, cols, source(whole_rows, 0), target(whole_rows, 0));
}
#endif

void softmax_rows(std::size_t rows, std::size_t cols, Strided<float> values) {
  const Floats d;
  for_groups(rows, [&](std::size_t first, std::size_t count) {
    const auto row = [&](std::size_t r) { return from_row(values, first + r).values; };
    float largest[kRowGroup];
    float sums[kRowGroup];
    for (std::size_t r = 0; r < count; ++r) largest[r] = largest_of_row(row(r), cols);
    for (std::size_t r = 0; r < count; ++r) {
      float* const to = row(r);
      sums[r] = sum_exponentials(
          to, cols, largest[r],
          [&](std::size_t i, hn::Vec<Floats> e) {
            hn::StoreU(e, d, to + i);
            return e;
          },
          [&](std::size_t i, hn::Vec<Floats> e, std::size_t size) {
            store_first(e, to + i, size);
            return e;
          });
    }
    for (std::size_t r = 0; r < count; ++r) scale_row(row(r), cols, 1.0F / sums[r]);
  });
}

HWY_INLINE float dot_of_rows(const float* p, const float* g, std::size_t cols) {
  const Floats d;
  auto dot = hn::Zero(d);
  for_vectors(
      cols, [&](std::size_t i) { dot = hn::MulAdd(hn::LoadU(d, p + i), hn::LoadU(d, g + i), dot); },
      [&](std::size_t i, std::size_t count) {
        dot = hn::MulAdd(load_first(p + i, count), load_first(g + i, count), dot);
      });
  return hn::GetLane(hn::SumOfLanes(d, dot));
}

/// result = p ⊙ (g - dot)
HWY_INLINE void softmax_backward_row(const float* p, const float* g, std::size_t cols, float dot, float* result) {
  const Floats d;
  const auto dots = hn::Set(d, dot);
  for_vectors(
      cols,
      [&](std::size_t i) {
        hn::StoreU(hn::Mul(hn::LoadU(d, p + i), hn::Sub(hn::LoadU(d, g + i), dots)), d, result + i);
      },
      [&](std::size_t i, std::size_t count) {
        store_first(hn::Mul(load_first(p + i, count), hn::Sub(load_first(g + i, count), dots)), result + i, count);
      });
}

void softmax_backward_rows(std::size_t rows, std::size_t cols, Strided<const float> p, Strided<const float> g,
                           Strided<float> result) {
  for_groups(rows, [&](std::size_t first, std::size_t count) {
    float dots[kRowGroup];
    for (std::size_t r = 0; r < count; ++r) {
      dots[r] = dot_of_rows(from_row(p, first + r).values, from_row(g, first + r).values, cols);
    }
    for (std::size_t r = 0; r < count; ++r) {
      softmax_backward_row(from_row(p, first + r).values, from_row(g, first + r).values, cols, dots[r],
                           from_row(result, first + r).values);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(multiply);
HWY_EXPORT(multiply_transposed);
HWY_EXPORT(transpose);
HWY_EXPORT(softmax_rows);
HWY_EXPORT(softmax_backward_rows);

void multiply(const ProductSize& size, float scale, Strided<const float> a, Strided<const float> b, Strided<float> y) {
  HWY_DYNAMIC_DISPATCH(multiply)(size, scale, a, b, y);
}

void multiply_transposed(const ProductSize& size, float scale, Strided<const float> a, Strided<const float> b,
                         Strided<float> y) {
  HWY_DYNAMIC_DISPATCH(multiply_transposed)(size, scale, a, b, y);
}

void transpose(std::size_t rows, std::size_t cols, Strided<const float> from, Strided<float> to) {
  HWY_DYNAMIC_DISPATCH(transpose)(rows, cols, from, to);
}

void softmax_rows(std::size_t rows, std::size_t cols, Strided<float> values) {
  if (cols > 0) HWY_DYNAMIC_DISPATCH(softmax_rows)(rows, cols, values);
}

void softmax_backward_rows(std::size_t rows, std::size_t cols, Strided<const float> probabilities,
                           Strided<const float> gradient, Strided<float> result) {
  HWY_DYNAMIC_DISPATCH(softmax_backward_rows)(rows, cols, probabilities, gradient, result);
}

}  // namespace fovea::nn
#endif
