#include "nn/kernels/bf16_kernels.hpp"

#include <algorithm>
#include <array>
#include <cstring>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/bf16_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include "nn/kernels/bf16-inl.hpp"
#include "nn/kernels/simd_tail-inl.hpp"
#include "nn/kernels/softmax-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {

/// lower's bfloat16 numbers in the lower halves, upper's in the upper ones.
HWY_INLINE hn::Vec<Words> pairs(hn::Vec<Floats> lower, hn::Vec<Floats> upper) {
  const Words words;
  return hn::Or(hn::PromoteTo(words, to_bf16(lower)), hn::ShiftLeft<16>(hn::PromoteTo(words, to_bf16(upper))));
}

/// @param kBoth  whether there is a second row; else zeros are in its place
template <bool kBoth>
void pair_two_rows(const float* first, const float* second, std::size_t cols, Bf16Pair* result) {
  const auto upper = [](hn::Vec<Floats> values) { return kBoth ? values : hn::Zero(Floats()); };
  for_vectors(
      cols,
      [&](std::size_t i) {
        const auto pair = pairs(hn::LoadU(Floats(), first + i), upper(hn::LoadU(Floats(), second + i)));
        hn::StoreU(pair, Words(), result + i);
      },
      [&](std::size_t i, std::size_t count) {
        store_first(pairs(load_first(first + i, count), upper(load_first(second + i, count))), result + i, count);
      });
}

void pair_rows(std::size_t depth, std::size_t cols, Strided<const float> from, Strided<Bf16Pair> to) {
  for (std::size_t pair = 0; pair < depth / 2; ++pair) {
    const float* const first = from_row(from, 2 * pair).values;
    pair_two_rows<true>(first, first + from.stride, cols, from_row(to, pair).values);
  }
  if (depth % 2 == 0) return;
  const float* const last = from_row(from, depth - 1).values;
  pair_two_rows<false>(last, last, cols, from_row(to, depth / 2).values);
}

void round_to_bf16(const float* x, std::size_t size, std::uint16_t* result) {
  for_vectors(
      size, [&](std::size_t i) { hn::StoreU(to_bf16(hn::LoadU(Floats(), x + i)), Halves(), result + i); },
      [&](std::size_t i, std::size_t count) {
        store_narrow_first(to_bf16(load_first(x + i, count)), result + i, count);
      });
}

void round_rows(std::size_t rows, std::size_t depth, Strided<const float> from, Strided<std::uint16_t> to) {
  for (std::size_t r = 0; r < rows; ++r) {
    std::uint16_t* const result = from_row(to, r).values;
    round_to_bf16(from_row(from, r).values, depth, result);
    if (depth % 2 == 1) result[depth] = 0;
  }
}

/// kRows x kVectors vectors of y, in registers from the first to the last pair of the depth. The last vector may be
/// partial: `last` of its lanes exist, 0 < last <= Lanes.
template <std::size_t kRows, std::size_t kVectors>
HWY_INLINE void multiply_tile(std::size_t num_pairs, const float* scales, Strided<const std::uint16_t> a,
                              Strided<const Bf16Pair> b, Strided<float> y, std::size_t last) {
  const Floats d;
  const Words words;
  const std::size_t lanes = hn::Lanes(d);
  const auto load_last = [&](const Bf16Pair* from) {
    return last == lanes ? hn::LoadU(words, from) : load_first(from, last);
  };
  hn::Vec<Floats> sums[kRows][kVectors];
  for (auto& row : sums) {
    for (auto& sum : row) sum = hn::Zero(d);
  }
  for (std::size_t k = 0; k < num_pairs; ++k) {
    const Bf16Pair* const b_row = from_row(b, k).values;
    hn::Vec<Words> b_vectors[kVectors];
    for (std::size_t v = 0; v + 1 < kVectors; ++v) b_vectors[v] = hn::LoadU(words, b_row + v * lanes);
    b_vectors[kVectors - 1] = load_last(b_row + (kVectors - 1) * lanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      Bf16Pair a_pair = 0;
      std::memcpy(&a_pair, from_row(a, r).values + 2 * k, sizeof(a_pair));
      const auto a_pairs = hn::Set(words, a_pair);
      for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = add_pair_products(sums[r][v], a_pairs, b_vectors[v]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    const auto scale = hn::Set(d, scales[r]);
    float* const y_row = from_row(y, r).values;
    for (std::size_t v = 0; v < kVectors; ++v) {
      const auto result = hn::Mul(sums[r][v], scale);
      v + 1 < kVectors || last == lanes ? hn::StoreU(result, d, y_row + v * lanes)
                                        : store_first(result, y_row + v * lanes, last);
    }
  }
}

/// kRows rows of y, two vectors at a time, as the product in float32.
template <std::size_t kRows>
void multiply_some(const ProductSize& size, const float* scales, Strided<const std::uint16_t> a,
                   Strided<const Bf16Pair> b, Strided<float> y) {
  const std::size_t lanes = hn::Lanes(Floats());
  const std::size_t num_pairs = pairs_of(size.depth);
  for (std::size_t col = 0; col < size.cols; col += 2 * lanes) {
    const std::size_t left = std::min(size.cols - col, 2 * lanes);
    const Strided<const Bf16Pair> b_cols{b.values + col, b.stride};
    const Strided<float> y_cols{y.values + col, y.stride};
    if (left > lanes) {
      multiply_tile<kRows, 2>(num_pairs, scales, a, b_cols, y_cols, left - lanes);
    } else {
      multiply_tile<kRows, 1>(num_pairs, scales, a, b_cols, y_cols, left);
    }
  }
}

void multiply_bf16(const ProductSize& size, const float* scales, Strided<const std::uint16_t> a,
                   Strided<const Bf16Pair> b, Strided<float> y) {
  using Some =
      void (*)(const ProductSize&, const float*, Strided<const std::uint16_t>, Strided<const Bf16Pair>, Strided<float>);
  constexpr std::array<Some, 7> kSome{nullptr,          multiply_some<1>, multiply_some<2>, multiply_some<3>,
                                      multiply_some<4>, multiply_some<5>, multiply_some<6>};
  constexpr std::size_t kMostRows = kSome.size() - 1;
  for (std::size_t row = 0; row < size.rows; row += kMostRows) {
    const std::size_t rows = std::min(kMostRows, size.rows - row);
    kSome[rows](size, scales + row, from_row(a, row), b, from_row(y, row));
  }
}

void softmax_rows_bf16(std::size_t rows, std::size_t cols, bool shown, Strided<float> logits,
                       Strided<std::uint16_t> exponentials, float* scales) {
  const Floats d;
  for_groups(rows, [&](std::size_t first, std::size_t count) {
    const auto row = [&](std::size_t r) { return from_row(logits, first + r).values; };
    float largest[kRowGroup];
    for (std::size_t r = 0; r < count; ++r) largest[r] = largest_of_row(row(r), cols);
    for (std::size_t r = 0; r < count; ++r) {
      float* const values = row(r);
      std::uint16_t* const rounded = from_row(exponentials, first + r).values;
      // The rounded ones are summed, so that the weights sum to 1: what rounding adds to all values alike cancels.
      const float sum = sum_exponentials(
          values, cols, largest[r],
          [&](std::size_t i, hn::Vec<Floats> e) {
            const auto nearest = to_bf16(e);
            hn::StoreU(nearest, Halves(), rounded + i);
            if (shown) hn::StoreU(to_float(nearest), d, values + i);
            return to_float(nearest);
          },
          [&](std::size_t i, hn::Vec<Floats> e, std::size_t size) {
            const auto nearest = to_bf16(e);
            store_narrow_first(nearest, rounded + i, size);
            if (shown) store_first(to_float(nearest), values + i, size);
            return to_float(nearest);
          });
      if (cols % 2 == 1) rounded[cols] = 0;
      scales[first + r] = 1.0F / sum;
    }
    for (std::size_t r = 0; shown && r < count; ++r) scale_row(row(r), cols, scales[first + r]);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(pair_rows);
HWY_EXPORT(round_to_bf16);
HWY_EXPORT(round_rows);
HWY_EXPORT(multiply_bf16);
HWY_EXPORT(softmax_rows_bf16);

void pair_rows(std::size_t depth, std::size_t cols, Strided<const float> from, Strided<Bf16Pair> to) {
  HWY_DYNAMIC_DISPATCH(pair_rows)(depth, cols, from, to);
}

void round_to_bf16(std::span<const float> x, std::uint16_t* result) {
  HWY_DYNAMIC_DISPATCH(round_to_bf16)(x.data(), x.size(), result);
}

void round_rows(std::size_t rows, std::size_t depth, Strided<const float> from, Strided<std::uint16_t> to) {
  HWY_DYNAMIC_DISPATCH(round_rows)(rows, depth, from, to);
}

void multiply_bf16(const ProductSize& size, const float* scales, Strided<const std::uint16_t> a,
                   Strided<const Bf16Pair> b, Strided<float> y) {
  HWY_DYNAMIC_DISPATCH(multiply_bf16)(size, scales, a, b, y);
}

void softmax_rows_bf16(std::size_t rows, std::size_t cols, bool shown, Strided<float> logits,
                       Strided<std::uint16_t> exponentials, float* scales) {
  if (cols > 0) HWY_DYNAMIC_DISPATCH(softmax_rows_bf16)(rows, cols, shown, logits, exponentials, scales);
}

}  // namespace fovea::nn
#endif
