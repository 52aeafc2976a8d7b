#include "nn/activation_kernels.hpp"

#include <algorithm>
#include <cassert>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/activation_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include <hwy/contrib/math/math-inl.h>

#include "nn/simd_tail-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {

/// 1 / (1 + exp(-a)); Highway's Exp has no upper end, so the exponent is bounded where the result is 0 in float.
HWY_INLINE hn::Vec<Floats> sigmoid(hn::Vec<Floats> a) {
  const Floats d;
  const auto one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Min(hn::Neg(a), hn::Set(d, 87.0F)))));
}

void silu_gate_row(std::size_t features, const float* x, float* y) {
  const Floats d;
  const auto apply = [&](hn::Vec<Floats> gate, hn::Vec<Floats> value) {
    return hn::Mul(hn::Mul(gate, sigmoid(gate)), value);
  };
  for_vectors(
      features,
      [&](std::size_t i) { hn::StoreU(apply(hn::LoadU(d, x + i), hn::LoadU(d, x + features + i)), d, y + i); },
      [&](std::size_t i, std::size_t count) {
        store_first(apply(load_first(x + i, count), load_first(x + features + i, count)), y + i, count);
      });
}

/// d silu(a) = σ(a) (1 + a (1 - σ(a))).
void silu_gate_backward_row(std::size_t features, const float* x, const float* dy, float* dx) {
  const Floats d;
  const auto one = hn::Set(d, 1.0F);
  const auto slope = [&](hn::Vec<Floats> a, hn::Vec<Floats> s) {
    return hn::Mul(s, hn::MulAdd(a, hn::Sub(one, s), one));
  };
  for_vectors(
      features,
      [&](std::size_t i) {
        const auto gate = hn::LoadU(d, x + i);
        const auto g = hn::LoadU(d, dy + i);
        const auto s = sigmoid(gate);
        hn::StoreU(hn::Mul(hn::Mul(g, hn::LoadU(d, x + features + i)), slope(gate, s)), d, dx + i);
        hn::StoreU(hn::Mul(g, hn::Mul(gate, s)), d, dx + features + i);
      },
      [&](std::size_t i, std::size_t count) {
        const auto gate = load_first(x + i, count);
        const auto g = load_first(dy + i, count);
        const auto s = sigmoid(gate);
        store_first(hn::Mul(hn::Mul(g, load_first(x + features + i, count)), slope(gate, s)), dx + i, count);
        store_first(hn::Mul(g, hn::Mul(gate, s)), dx + features + i, count);
      });
}

/// Φ(x) + x φ(x). Φ from erf as Abramowitz & Stegun 7.1.26 has it (error below 1.5e-7), whose exponential is that of φ.
HWY_INLINE hn::Vec<Floats> gelu_slope(hn::Vec<Floats> x) {
  const Floats d;
  constexpr float kP = 0.3275911F * 0.70710678F;  // p / √2: 7.1.26 is in x / √2
  constexpr float kDensityAtZero = 0.39894228F;   // 1 / √(2π)
  const auto one = hn::Set(d, 1.0F);
  // Beyond 13 the density is 0 in float, and x² stays small enough for Exp.
  const auto a = hn::Min(hn::Abs(x), hn::Set(d, 13.0F));
  const auto bell = hn::Exp(d, hn::Mul(hn::Set(d, -0.5F), hn::Mul(a, a)));
  const auto t = hn::Div(one, hn::MulAdd(hn::Set(d, kP), a, one));
  auto series = hn::Set(d, 1.061405429F);
  for (const float term : {-1.453152027F, 1.421413741F, -0.284496736F, 0.254829592F}) {
    series = hn::MulAdd(series, t, hn::Set(d, term));
  }
  // Φ(-|x|), so that the tail of the left side keeps its digits.
  const auto tail = hn::Mul(hn::Mul(hn::Set(d, 0.5F), hn::Mul(series, t)), bell);
  const auto distribution = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail));
  return hn::MulAdd(hn::CopySign(a, x), hn::Mul(hn::Set(d, kDensityAtZero), bell), distribution);
}

void gelu_backward_row(const float* x, const float* dy, std::size_t size, float* dx) {
  const Floats d;
  for_vectors(
      size,
      [&](std::size_t i) { hn::StoreU(hn::Mul(hn::LoadU(d, dy + i), gelu_slope(hn::LoadU(d, x + i))), d, dx + i); },
      [&](std::size_t i, std::size_t count) {
        store_first(hn::Mul(load_first(dy + i, count), gelu_slope(load_first(x + i, count))), dx + i, count);
      });
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(silu_gate_row);
HWY_EXPORT(silu_gate_backward_row);
HWY_EXPORT(gelu_backward_row);

void silu_gate(std::size_t rows, std::size_t features, std::span<const float> x, std::span<float> y) {
  assert(x.size() == 2 * rows * features && y.size() == rows * features);
#pragma omp parallel for schedule(static) if (rows > 1)
  for (std::size_t row = 0; row < rows; ++row) {
    HWY_DYNAMIC_DISPATCH(silu_gate_row)(features, x.data() + row * 2 * features, y.data() + row * features);
  }
}

void silu_gate_backward(std::size_t rows, std::size_t features, std::span<const float> x, std::span<const float> dy,
                        std::span<float> dx) {
  assert(x.size() == 2 * rows * features && dy.size() == rows * features && dx.size() == x.size());
#pragma omp parallel for schedule(static) if (rows > 1)
  for (std::size_t row = 0; row < rows; ++row) {
    HWY_DYNAMIC_DISPATCH(silu_gate_backward_row)
    (features, x.data() + row * 2 * features, dy.data() + row * features, dx.data() + row * 2 * features);
  }
}

void gelu_backward(std::span<const float> x, std::span<const float> dy, std::span<float> dx) {
  assert(x.size() == dy.size() && dx.size() == x.size());
  constexpr std::size_t kPiece = 1024;  // whole vectors of any width
#pragma omp parallel for schedule(static) if (x.size() > kPiece)
  for (std::size_t first = 0; first < x.size(); first += kPiece) {
    const std::size_t size = std::min(kPiece, x.size() - first);
    HWY_DYNAMIC_DISPATCH(gelu_backward_row)(x.data() + first, dy.data() + first, size, dx.data() + first);
  }
}

}  // namespace fovea::nn
#endif
