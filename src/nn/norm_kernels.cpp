#include "nn/norm_kernels.hpp"

#include <cassert>
#include <cmath>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/norm_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include "nn/simd_tail-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {

HWY_INLINE float mean(const float* x, std::size_t size) {
  const Floats d;
  auto sum = hn::Zero(d);
  for_vectors(
      size, [&](std::size_t i) { sum = hn::Add(sum, hn::LoadU(d, x + i)); },
      [&](std::size_t i, std::size_t count) { sum = hn::Add(sum, load_first(x + i, count)); });
  return hn::GetLane(hn::SumOfLanes(d, sum)) / static_cast<float>(size);
}

/// The mean of (x - centre)².
HWY_INLINE float mean_square(const float* x, std::size_t size, float centre) {
  const Floats d;
  const auto middle = hn::Set(d, centre);
  auto sum = hn::Zero(d);
  for_vectors(
      size,
      [&](std::size_t i) {
        const auto away = hn::Sub(hn::LoadU(d, x + i), middle);
        sum = hn::MulAdd(away, away, sum);
      },
      [&](std::size_t i, std::size_t count) {
        const auto away = hn::IfThenElseZero(hn::FirstN(d, count), hn::Sub(load_first(x + i, count), middle));
        sum = hn::MulAdd(away, away, sum);
      });
  return hn::GetLane(hn::SumOfLanes(d, sum)) / static_cast<float>(size);
}

/// y = (x - centre) · scale · weight + bias; without a bias that is zero.
HWY_INLINE void scale_row(const float* x, float* y, std::size_t size, float centre, float scale, const float* weight,
                          const float* bias) {
  const Floats d;
  const auto middle = hn::Set(d, centre);
  const auto factor = hn::Set(d, scale);
  const auto apply = [&](hn::Vec<Floats> values, hn::Vec<Floats> w, hn::Vec<Floats> b) {
    return hn::MulAdd(hn::Mul(hn::Sub(values, middle), factor), w, b);
  };
  for_vectors(
      size,
      [&](std::size_t i) {
        const auto b = bias == nullptr ? hn::Zero(d) : hn::LoadU(d, bias + i);
        hn::StoreU(apply(hn::LoadU(d, x + i), hn::LoadU(d, weight + i), b), d, y + i);
      },
      [&](std::size_t i, std::size_t count) {
        const auto b = bias == nullptr ? hn::Zero(d) : load_first(bias + i, count);
        store_first(apply(load_first(x + i, count), load_first(weight + i, count), b), y + i, count);
      });
}

void normalize_row(const NormShape& shape, const float* weight, const float* bias, const float* x, float* y) {
  const float centre = shape.kind == NormKind::kLayer ? mean(x, shape.features) : 0.0F;
  const float variance = mean_square(x, shape.features, centre);
  scale_row(x, y, shape.features, centre, 1.0F / std::sqrt(variance + shape.eps), weight, bias);
}

/// With x̂ the normalised row, r the factor and g = dy ⊙ weight: dx += r (g - mean(g) - x̂ mean(g ⊙ x̂)); RMSNorm has
/// no mean(g).
void normalize_backward_row(const NormShape& shape, const float* weight, const float* x, const float* dy, float* dx) {
  const Floats d;
  const std::size_t size = shape.features;
  const float centre = shape.kind == NormKind::kLayer ? mean(x, size) : 0.0F;
  const float r = 1.0F / std::sqrt(mean_square(x, size, centre) + shape.eps);
  const auto middle = hn::Set(d, centre);
  const auto factor = hn::Set(d, r);
  auto sum = hn::Zero(d);
  auto dot = hn::Zero(d);
  const auto add = [&](hn::Vec<Floats> g, hn::Vec<Floats> normed) {
    sum = hn::Add(sum, g);
    dot = hn::MulAdd(g, normed, dot);
  };
  for_vectors(
      size,
      [&](std::size_t i) {
        add(hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, weight + i)),
            hn::Mul(hn::Sub(hn::LoadU(d, x + i), middle), factor));
      },
      [&](std::size_t i, std::size_t count) {  // lanes that do not exist have g = 0
        add(hn::Mul(load_first(dy + i, count), load_first(weight + i, count)),
            hn::Mul(hn::Sub(load_first(x + i, count), middle), factor));
      });
  const float of_size = 1.0F / static_cast<float>(size);
  const float mean_g = shape.kind == NormKind::kLayer ? hn::GetLane(hn::SumOfLanes(d, sum)) * of_size : 0.0F;
  const auto mean_gradient = hn::Set(d, mean_g);
  const auto mean_product = hn::Set(d, hn::GetLane(hn::SumOfLanes(d, dot)) * of_size);
  const auto apply = [&](hn::Vec<Floats> g, hn::Vec<Floats> normed, hn::Vec<Floats> before) {
    return hn::MulAdd(factor, hn::NegMulAdd(normed, mean_product, hn::Sub(g, mean_gradient)), before);
  };
  for_vectors(
      size,
      [&](std::size_t i) {
        const auto g = hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, weight + i));
        const auto normed = hn::Mul(hn::Sub(hn::LoadU(d, x + i), middle), factor);
        hn::StoreU(apply(g, normed, hn::LoadU(d, dx + i)), d, dx + i);
      },
      [&](std::size_t i, std::size_t count) {
        const auto g = hn::Mul(load_first(dy + i, count), load_first(weight + i, count));
        const auto normed = hn::Mul(hn::Sub(load_first(x + i, count), middle), factor);
        store_first(apply(g, normed, load_first(dx + i, count)), dx + i, count);
      });
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(normalize_row);
HWY_EXPORT(normalize_backward_row);

void normalize(const NormShape& shape, std::span<const float> weight, std::span<const float> bias,
               Strided<const float> x, Strided<float> y) {
  assert(weight.size() == shape.features && (bias.empty() || bias.size() == shape.features));
  const float* shift = bias.empty() ? nullptr : bias.data();
#pragma omp parallel for schedule(static) if (shape.rows > 1)
  for (std::size_t row = 0; row < shape.rows; ++row) {
    HWY_DYNAMIC_DISPATCH(normalize_row)
    (shape, weight.data(), shift, x.values + row * x.stride, y.values + row * y.stride);
  }
}

void normalize_backward(const NormShape& shape, std::span<const float> weight, Strided<const float> x,
                        Strided<const float> dy, Strided<float> dx) {
  assert(weight.size() == shape.features);
#pragma omp parallel for schedule(static) if (shape.rows > 1)
  for (std::size_t row = 0; row < shape.rows; ++row) {
    HWY_DYNAMIC_DISPATCH(normalize_backward_row)
    (shape, weight.data(), x.values + row * x.stride, dy.values + row * dy.stride, dx.values + row * dx.stride);
  }
}

}  // namespace fovea::nn
#endif
