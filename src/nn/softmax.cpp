#include "nn/softmax.hpp"

#include <cassert>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/softmax.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void softmax_row(float* row, std::size_t cols) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t whole = cols - cols % lanes;
  const auto tail = hn::FirstN(d, cols - whole);
  const auto lowest = hn::Set(d, hwy::LowestValue<float>());

  auto largest = lowest;
  for (std::size_t i = 0; i < whole; i += lanes) largest = hn::Max(largest, hn::LoadU(d, row + i));
  if (whole < cols) largest = hn::Max(largest, hn::IfThenElse(tail, hn::MaskedLoad(tail, d, row + whole), lowest));
  largest = hn::MaxOfLanes(d, largest);

  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i < whole; i += lanes) {
    const auto e = hn::Exp(d, hn::Sub(hn::LoadU(d, row + i), largest));
    sum = hn::Add(sum, e);
    hn::StoreU(e, d, row + i);
  }
  if (whole < cols) {
    const auto e = hn::IfThenElseZero(tail, hn::Exp(d, hn::Sub(hn::MaskedLoad(tail, d, row + whole), largest)));
    sum = hn::Add(sum, e);
    hn::BlendedStore(e, tail, d, row + whole);
  }

  const auto scale = hn::Div(hn::Set(d, 1.0F), hn::SumOfLanes(d, sum));
  for (std::size_t i = 0; i < whole; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, row + i), scale), d, row + i);
  if (whole < cols) hn::BlendedStore(hn::Mul(hn::MaskedLoad(tail, d, row + whole), scale), tail, d, row + whole);
}

void softmax_rows(float* values, std::size_t rows, std::size_t cols) {
  for (std::size_t r = 0; r < rows; ++r) softmax_row(values + r * cols, cols);
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(softmax_rows);

void softmax_rows(std::span<float> values, std::size_t cols) {
  if (cols == 0) return;
  assert(values.size() % cols == 0);
  HWY_DYNAMIC_DISPATCH(softmax_rows)(values.data(), values.size() / cols, cols);
}

}  // namespace fovea::nn
#endif
