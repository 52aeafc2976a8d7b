// The steps of a softmax over a row, for the files that Highway compiles once for each instruction set.
#if defined(FOVEA_SOFTMAX_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_SOFTMAX_INL_HPP_
#undef FOVEA_SOFTMAX_INL_HPP_
#else
#define FOVEA_SOFTMAX_INL_HPP_
#endif

#include "nn/kernels/exp-inl.hpp"
#include "nn/kernels/simd_tail-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {

HWY_INLINE float largest_of_row(const float* row, std::size_t cols) {
  const Floats d;
  auto largest = hn::Set(d, hwy::LowestValue<float>());
  for_vectors(
      cols, [&](std::size_t i) { largest = hn::Max(largest, hn::LoadU(d, row + i)); },
      [&](std::size_t i, std::size_t count) {
        largest = hn::Max(largest, hn::IfThenElse(hn::FirstN(d, count), load_first(row + i, count), largest));
      });
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

/// exp(row - largest), given to whole(i, e) for whole vectors and part(i, e, count) for what is left.
/// @return  the sum of what these return
template <typename Whole, typename Part>
HWY_INLINE float sum_exponentials(const float* row, std::size_t cols, float largest, const Whole& whole,
                                  const Part& part) {
  const Floats d;
  const auto shift = hn::Set(d, largest);
  auto sum = hn::Zero(d);
  for_vectors(
      cols, [&](std::size_t i) { sum = hn::Add(sum, whole(i, exp(hn::Sub(hn::LoadU(d, row + i), shift)))); },
      [&](std::size_t i, std::size_t count) {
        const auto kept = part(i, exp(hn::Sub(load_first(row + i, count), shift)), count);
        sum = hn::Add(sum, hn::IfThenElseZero(hn::FirstN(d, count), kept));
      });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

HWY_INLINE void scale_row(float* row, std::size_t cols, float factor) {
  const Floats d;
  const auto factors = hn::Set(d, factor);
  for_vectors(
      cols, [&](std::size_t i) { hn::StoreU(hn::Mul(hn::LoadU(d, row + i), factors), d, row + i); },
      [&](std::size_t i, std::size_t count) {
        store_first(hn::Mul(load_first(row + i, count), factors), row + i, count);
      });
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#endif
