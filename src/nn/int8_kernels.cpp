#include "nn/int8_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/int8_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include "nn/simd_tail-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {

using Ints = hn::RebindToSigned<Floats>;
using Bytes = hn::Rebind<std::int8_t, Floats>;

/// As integers the bit patterns of floats without a sign are in the order of the numbers, and NaN is above them all.
float largest_magnitude(const float* x, std::size_t size) {
  const Ints ints;
  auto largest = hn::Zero(ints);
  const auto take = [&](hn::Vec<Floats> values) { largest = hn::Max(largest, hn::BitCast(ints, hn::Abs(values))); };
  for_vectors(
      size, [&](std::size_t i) { take(hn::LoadU(Floats(), x + i)); },
      [&](std::size_t i, std::size_t count) { take(load_first(x + i, count)); });
  return std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(ints, largest)));
}

float quantize_row(const float* x, std::size_t size, std::int8_t* q) {
  constexpr float kLargest = 127.0F;
  const Floats d;
  const float magnitude = largest_magnitude(x, size);
  // The reciprocal of a subnormal number may be infinite: such a row is as good as zero.
  const float steps = magnitude >= 0x1p-120F ? kLargest / magnitude : 0.0F;
  const auto factor = hn::Set(d, steps);
  const auto round = [&](hn::Vec<Floats> values) {
    return hn::DemoteTo(Bytes(), hn::NearestInt(hn::Mul(values, factor)));
  };
  for_vectors(
      size, [&](std::size_t i) { hn::StoreU(round(hn::LoadU(d, x + i)), Bytes(), q + i); },
      [&](std::size_t i, std::size_t count) {
        HWY_ALIGN std::int8_t all[HWY_LANES(float)];
        hn::Store(round(load_first(x + i, count)), Bytes(), all);
        std::copy_n(all, count, q + i);
      });
  return magnitude / kLargest;
}

/// Multiplications and additions one by one: the same bits with and without fused ones.
void scale_row(const std::int32_t* sums, float row_scale, const float* column_scales, const float* bias,
               std::size_t size, bool accumulate, float* y) {
  const Floats d;
  const Ints ints;
  const auto scale = hn::Set(d, row_scale);
  const auto apply = [&](hn::Vec<Ints> sum, hn::Vec<Floats> column_scale, hn::Vec<Floats> offset) {
    return hn::Add(hn::Mul(hn::ConvertTo(d, sum), hn::Mul(scale, column_scale)), offset);
  };
  for_vectors(
      size,
      [&](std::size_t i) {
        auto result = apply(hn::LoadU(ints, sums + i), hn::LoadU(d, column_scales + i), hn::LoadU(d, bias + i));
        if (accumulate) result = hn::Add(hn::LoadU(d, y + i), result);
        hn::StoreU(result, d, y + i);
      },
      [&](std::size_t i, std::size_t count) {
        HWY_ALIGN std::int32_t all[HWY_LANES(float)] = {};
        std::copy_n(sums + i, count, all);
        auto result = apply(hn::Load(ints, all), load_first(column_scales + i, count), load_first(bias + i, count));
        if (accumulate) result = hn::Add(load_first(y + i, count), result);
        store_first(result, y + i, count);
      });
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(quantize_row);
HWY_EXPORT(scale_row);

void quantize_rows(std::size_t features, std::span<const float> x, std::span<std::int8_t> q, std::span<float> scales) {
  assert(x.size() == features * scales.size() && q.size() == x.size());
#pragma omp parallel for schedule(static) if (scales.size() > 1)
  for (std::size_t row = 0; row < scales.size(); ++row) {
    scales[row] = HWY_DYNAMIC_DISPATCH(quantize_row)(x.data() + row * features, features, q.data() + row * features);
  }
}

void scale_sums(std::span<const std::int32_t> sums, std::span<const float> row_scales,
                std::span<const float> column_scales, std::span<const float> bias, bool accumulate,
                std::span<float> y) {
  const std::size_t features = column_scales.size();
  assert(sums.size() == row_scales.size() * features && bias.size() == features && y.size() == sums.size());
#pragma omp parallel for schedule(static) if (row_scales.size() > 1)
  for (std::size_t row = 0; row < row_scales.size(); ++row) {
    HWY_DYNAMIC_DISPATCH(scale_row)
    (sums.data() + row * features, row_scales[row], column_scales.data(), bias.data(), features, accumulate,
     y.data() + row * features);
  }
}

}  // namespace fovea::nn
#endif
