#include "nn/kernels/dot_kernels.hpp"

#include <algorithm>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/dot_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include "nn/kernels/share.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Two sums side by side: an addition need not wait for the one before.
HWY_INLINE double dot(std::size_t size, const float* a, const float* b) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, hn::ScalableTag<double>> narrow;  // as many floats as a vector has doubles
  const std::size_t lanes = hn::Lanes(d);
  const auto load = [&](const float* from) { return hn::PromoteTo(d, hn::LoadU(narrow, from)); };
  auto even = hn::Zero(d);
  auto odd = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= size; i += 2 * lanes) {
    even = hn::MulAdd(load(a + i), load(b + i), even);
    odd = hn::MulAdd(load(a + i + lanes), load(b + i + lanes), odd);
  }
  double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
  for (; i < size; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

void dot_some_rows(std::size_t features, Strided<const float> a, Strided<const float> b, std::span<double> dots) {
  for (std::size_t r = 0; r < dots.size(); ++r) {
    dots[r] = dot(features, a.values + r * a.stride, b.values + r * b.stride);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(dot_some_rows);

void dot_rows(std::size_t features, Strided<const float> a, Strided<const float> b, std::span<double> dots) {
  constexpr std::size_t kPiece = std::size_t{1} << 16;  // values: fewer take no longer than waking the other threads
  share(dots.size(), std::max<std::size_t>(1, kPiece / features), [&](std::size_t first, std::size_t rows) {
    HWY_DYNAMIC_DISPATCH(dot_some_rows)(features, from_row(a, first), from_row(b, first), dots.subspan(first, rows));
  });
}

}  // namespace fovea::nn
#endif
