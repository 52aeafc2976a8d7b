#include "nn/kernels/int8_kernels.hpp"

#include <bit>
#include <cassert>
#include <cmath>
#include <limits>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/int8_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include "nn/kernels/share.hpp"
#include "nn/kernels/simd_tail-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {

using Ints = hn::RebindToSigned<Floats>;
using Words = hn::RebindToUnsigned<Floats>;
using Bytes = hn::Rebind<std::int8_t, Floats>;
using UnsignedBytes = hn::Rebind<std::uint8_t, Floats>;

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
      [&](std::size_t i, std::size_t count) { store_narrow_first(round(load_first(x + i, count)), q + i, count); });
  return magnitude / kLargest;
}

struct Range {
  float low;   // <= 0
  float high;  // >= 0; NaN in one of them if there is one
};

/// Read as integers, the bit patterns of positive floats are in the order of the numbers. Read as unsigned integers,
/// the patterns of negative floats are above those of all positive ones, in the order of magnitude. NaN is last in
/// both.
Range range_of(const float* x, std::size_t size) {
  const Ints ints;
  const Words words;
  auto high = hn::Zero(ints);
  auto low = hn::Zero(words);
  const auto take = [&](hn::Vec<Floats> values) {
    high = hn::Max(high, hn::BitCast(ints, values));
    low = hn::Max(low, hn::BitCast(words, values));
  };
  for_vectors(
      size, [&](std::size_t i) { take(hn::LoadU(Floats(), x + i)); },
      [&](std::size_t i, std::size_t count) { take(load_first(x + i, count)); });
  const auto lowest = std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(words, low)));
  return {std::signbit(lowest) ? lowest : 0.0F, std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(ints, high)))};
}

RowStep quantize_row_by_range(const float* x, std::size_t size, std::uint8_t* q) {
  constexpr float kLargest = 255.0F;
  const Floats d;
  const Ints ints;
  const auto [low, high] = range_of(x, size);
  const float range = high - low;
  // The reciprocal of a subnormal number may be infinite: such a row is as good as zero.
  const bool plain = range >= 0x1p-120F && range <= std::numeric_limits<float>::max();
  const float steps = plain ? kLargest / range : 0.0F;
  const auto zero = static_cast<std::int32_t>(std::nearbyint(plain ? -low * steps : 0.0F));
  const auto factor = hn::Set(d, steps);
  const auto shift = hn::Set(ints, zero);
  const auto round = [&](hn::Vec<Floats> values) {
    return hn::DemoteTo(UnsignedBytes(), hn::Add(hn::NearestInt(hn::Mul(values, factor)), shift));
  };
  for_vectors(
      size, [&](std::size_t i) { hn::StoreU(round(hn::LoadU(d, x + i)), UnsignedBytes(), q + i); },
      [&](std::size_t i, std::size_t count) { store_narrow_first(round(load_first(x + i, count)), q + i, count); });
  return {range / kLargest, zero};
}

/// Multiplications and additions one by one: the same bits with and without fused ones.
void scale_row(const std::int32_t* sums, const RowStep& step, const IntegerColumns& columns, bool accumulate,
               float* y) {
  const Floats d;
  const Ints ints;
  const auto scale = hn::Set(d, step.scale);
  const auto zero = hn::Set(ints, step.zero);
  const std::int32_t* const column_sums = columns.sums.data();
  const float* const column_scales = columns.scales.data();
  const float* const bias = columns.bias.data();
  const auto apply = [&](hn::Vec<Ints> sum, hn::Vec<Ints> column_sum, hn::Vec<Floats> column_scale,
                         hn::Vec<Floats> offset) {
    const auto centred = hn::Sub(sum, hn::Mul(zero, column_sum));
    return hn::Add(hn::Mul(hn::ConvertTo(d, centred), hn::Mul(scale, column_scale)), offset);
  };
  for_vectors(
      columns.sums.size(),
      [&](std::size_t i) {
        auto result = apply(hn::LoadU(ints, sums + i), hn::LoadU(ints, column_sums + i),
                            hn::LoadU(d, column_scales + i), hn::LoadU(d, bias + i));
        if (accumulate) result = hn::Add(hn::LoadU(d, y + i), result);
        hn::StoreU(result, d, y + i);
      },
      [&](std::size_t i, std::size_t count) {
        auto result = apply(load_first(sums + i, count), load_first(column_sums + i, count),
                            load_first(column_scales + i, count), load_first(bias + i, count));
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
HWY_EXPORT(quantize_row_by_range);
HWY_EXPORT(scale_row);

void quantize_rows(std::size_t features, std::span<const float> x, std::span<std::int8_t> q, std::span<float> scales) {
  assert(x.size() == features * scales.size() && q.size() == x.size());
  share(scales.size(), kFewRows, [&](std::size_t first, std::size_t count) {
    for (std::size_t row = first; row < first + count; ++row) {
      scales[row] = HWY_DYNAMIC_DISPATCH(quantize_row)(x.data() + row * features, features, q.data() + row * features);
    }
  });
}

void quantize_rows(std::size_t features, std::span<const float> x, std::span<std::uint8_t> q,
                   std::span<RowStep> steps) {
  assert(x.size() == features * steps.size() && q.size() == x.size());
  share(steps.size(), kFewRows, [&](std::size_t first, std::size_t count) {
    for (std::size_t row = first; row < first + count; ++row) {
      const std::size_t at = row * features;
      steps[row] = HWY_DYNAMIC_DISPATCH(quantize_row_by_range)(x.data() + at, features, q.data() + at);
    }
  });
}

void scale_sums(std::span<const std::int32_t> sums, std::span<const RowStep> steps, const IntegerColumns& columns,
                bool accumulate, std::span<float> y) {
  const std::size_t features = columns.sums.size();
  assert(columns.scales.size() == features && columns.bias.size() == features);
  assert(sums.size() == steps.size() * features && y.size() == sums.size());
  for (std::size_t row = 0; row < steps.size(); ++row) {
    HWY_DYNAMIC_DISPATCH(scale_row)
    (sums.data() + row * features, steps[row], columns, accumulate, y.data() + row * features);
  }
}

}  // namespace fovea::nn
#endif
