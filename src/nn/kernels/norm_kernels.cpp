#include "nn/kernels/norm_kernels.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/norm_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include "nn/kernels/share.hpp"
#include "nn/kernels/simd_tail-inl.hpp"

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

/// One row x standardised: x̂ = (x - centre) · factor.
struct Standardization {
  float centre;
  float factor;
};

HWY_INLINE float centre_of(const NormShape& shape, const float* x) {
  return shape.kind == NormKind::kLayer ? mean(x, shape.features) : 0.0F;
}
HWY_INLINE float factor_of(const NormShape& shape, const float* x, float centre) {
  return 1.0F / std::sqrt(mean_square(x, shape.features, centre) + shape.eps);
}

void standardize(const NormShape& shape, std::size_t rows, Strided<const float> x, Standardization* result) {
  for (std::size_t r = 0; r < rows; ++r) result[r].centre = centre_of(shape, x.values + r * x.stride);
  for (std::size_t r = 0; r < rows; ++r) {
    result[r].factor = factor_of(shape, x.values + r * x.stride, result[r].centre);
  }
}

HWY_INLINE void normalize_group(const NormShape& shape, const float* weight, const float* bias, std::size_t rows,
                                Strided<const float> x, Strided<float> y) {
  Standardization of_row[kRowGroup];
  standardize(shape, rows, x, of_row);
  for (std::size_t r = 0; r < rows; ++r) {
    scale_row(x.values + r * x.stride, y.values + r * y.stride, shape.features, of_row[r].centre, of_row[r].factor,
              weight, bias);
  }
}

void normalize_rows(const NormShape& shape, const float* weight, const float* bias, std::size_t rows,
                    Strided<const float> x, Strided<float> y) {
  for_groups(rows, [&](std::size_t first, std::size_t count) {
    normalize_group(shape, weight, bias, count, from_row(x, first), from_row(y, first));
  });
}

/// mean(g) and mean(g ⊙ x̂), g = dy ⊙ weight.
struct GradientMeans {
  float g;
  float product;
};
HWY_INLINE GradientMeans gradient_means(const NormShape& shape, const float* weight, const float* x, const float* dy,
                                        const Standardization& of_row) {
  const Floats d;
  const auto middle = hn::Set(d, of_row.centre);
  const auto factor = hn::Set(d, of_row.factor);
  auto sum = hn::Zero(d);
  auto dot = hn::Zero(d);
  const auto add = [&](hn::Vec<Floats> g, hn::Vec<Floats> normed) {
    sum = hn::Add(sum, g);
    dot = hn::MulAdd(g, normed, dot);
  };
  for_vectors(
      shape.features,
      [&](std::size_t i) {
        add(hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, weight + i)),
            hn::Mul(hn::Sub(hn::LoadU(d, x + i), middle), factor));
      },
      [&](std::size_t i, std::size_t count) {  // lanes that do not exist have g = 0
        add(hn::Mul(load_first(dy + i, count), load_first(weight + i, count)),
            hn::Mul(hn::Sub(load_first(x + i, count), middle), factor));
      });
  const float of_size = 1.0F / static_cast<float>(shape.features);
  return {shape.kind == NormKind::kLayer ? hn::GetLane(hn::SumOfLanes(d, sum)) * of_size : 0.0F,
          hn::GetLane(hn::SumOfLanes(d, dot)) * of_size};
}

/// dx += factor (g - mean(g) - x̂ mean(g ⊙ x̂)); RMSNorm has no mean(g), and a constant deviation no mean(g ⊙ x̂).
HWY_INLINE void add_gradient(const NormShape& shape, const float* weight, const float* x, const float* dy,
                             const Standardization& of_row, const GradientMeans& means, float* dx) {
  const Floats d;
  const auto middle = hn::Set(d, of_row.centre);
  const auto factor = hn::Set(d, of_row.factor);
  const auto mean_gradient = hn::Set(d, means.g);
  const auto mean_product = hn::Set(d, means.product);
  const auto apply = [&](hn::Vec<Floats> g, hn::Vec<Floats> normed, hn::Vec<Floats> before) {
    return hn::MulAdd(factor, hn::NegMulAdd(normed, mean_product, hn::Sub(g, mean_gradient)), before);
  };
  for_vectors(
      shape.features,
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

HWY_INLINE void normalize_backward_group(const NormShape& shape, Gradients gradients, const float* weight,
                                         std::size_t rows, Strided<const float> x, Strided<const float> dy,
                                         Strided<float> dx) {
  Standardization of_row[kRowGroup];
  GradientMeans means[kRowGroup];
  standardize(shape, rows, x, of_row);
  for (std::size_t r = 0; r < rows; ++r) {
    means[r] = gradient_means(shape, weight, x.values + r * x.stride, dy.values + r * dy.stride, of_row[r]);
    if (gradients == Gradients::kLibra) means[r].product = 0.0F;
  }
  for (std::size_t r = 0; r < rows; ++r) {
    add_gradient(shape, weight, x.values + r * x.stride, dy.values + r * dy.stride, of_row[r], means[r],
                 dx.values + r * dx.stride);
  }
}

void normalize_backward_rows(const NormShape& shape, Gradients gradients, const float* weight, std::size_t rows,
                             Strided<const float> x, Strided<const float> dy, Strided<float> dx) {
  for_groups(rows, [&](std::size_t first, std::size_t count) {
    normalize_backward_group(shape, gradients, weight, count, from_row(x, first), from_row(dy, first),
                             from_row(dx, first));
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(normalize_rows);
HWY_EXPORT(normalize_backward_rows);

void normalize(const NormShape& shape, std::span<const float> weight, std::span<const float> bias,
               Strided<const float> x, Strided<float> y, const RowsDone& done) {
  assert(weight.size() == shape.features && (bias.empty() || bias.size() == shape.features));
  const float* shift = bias.empty() ? nullptr : bias.data();
  share(shape.rows, kFewRows, [&](std::size_t first, std::size_t rows) {
    HWY_DYNAMIC_DISPATCH(normalize_rows)
    (shape, weight.data(), shift, rows, from_row(x, first), from_row(y, first));
    if (done) done(first, rows);
  });
}

void normalize_backward(const NormShape& shape, Gradients gradients, std::span<const float> weight,
                        Strided<const float> x, Strided<const float> dy, Strided<float> dx) {
  assert(weight.size() == shape.features);
  share(shape.rows, kFewRows, [&](std::size_t first, std::size_t rows) {
    HWY_DYNAMIC_DISPATCH(normalize_backward_rows)
    (shape, gradients, weight.data(), rows, from_row(x, first), from_row(dy, first), from_row(dx, first));
  });
}

}  // namespace fovea::nn
#endif
