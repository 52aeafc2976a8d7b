#include "nn/kernels/activation.hpp"

#include <cassert>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/activation.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include "nn/kernels/exp-inl.hpp"
#include "nn/kernels/share.hpp"
#include "nn/kernels/simd_tail-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {

using Vec = hn::Vec<Floats>;

constexpr float kMostExponent = 86.0F;  // e^86 is finite, and 1 / (1 + e^86) is 0 beside anything

/// 1 / (1 + exp(-a))
HWY_INLINE Vec sigmoid(Vec a) {
  const Floats d;
  const auto one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::Add(one, exp(hn::Min(hn::Neg(a), hn::Set(d, kMostExponent)))));
}

/// Φ(-a), Φ the normal distribution, for 0 <= a <= 6.5; a Φ(-a) is right to 1e-7, and to 5e-5 of itself.
HWY_INLINE Vec normal_tail(Vec a) {
  const Floats d;
  // Its logarithm is all but a parabola; tools/fit_kernels.py prints the factors.
  auto log_tail = hn::Set(d, 1.0678588324708471e-07F);
  for (const float factor :
       {-2.8207018658577e-06F, 2.8833341275458224e-05F, -0.00011589475616347045F, -0.0003395146341063082F,
        0.007365443278104067F, -0.05273215100169182F, -0.4591197371482849F, -1.151117205619812F, -1.0F}) {
    log_tail = hn::MulAdd(log_tail, a, hn::Set(d, factor));
  }
  return exp2(log_tail);
}
/// Where Φ(-a) has ended for a float.
HWY_INLINE Vec bounded(Vec x) {
  const Floats d;
  return hn::Min(hn::Abs(x), hn::Set(d, 6.5F));
}

/// max(x, 0); unlike Max, it lets NaN through.
HWY_INLINE Vec ramp(Vec x) {
  return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(Floats())), x);
}

/// x Φ(x) = max(x, 0) - |x| Φ(-|x|): what is near 0 keeps its digits.
struct Gelu {
  HWY_INLINE Vec operator()(Vec x) const {
    const auto a = bounded(x);
    return hn::NegMulAdd(a, normal_tail(a), ramp(x));
  }
  /// Φ(x)
  HWY_INLINE Vec gate(Vec x) const {
    const Floats d;
    const auto tail = normal_tail(bounded(x));
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(hn::Set(d, 1.0F), tail));
  }
  /// Φ(x) + x φ(x)
  HWY_INLINE Vec slope(Vec x) const {
    const Floats d;
    const auto a = bounded(x);
    const auto distribution = gate(x);
    const auto bell = exp2(hn::Mul(hn::Set(d, -0.72134752F), hn::Mul(a, a)));  // -1 / (2 ln 2)
    const auto density = hn::Mul(hn::Set(d, 0.39894228F), bell);               // 1 / √(2π)
    return hn::MulAdd(hn::CopySign(a, x), density, distribution);
  }
};

/// The same to 1.2e-4, in half the time: a polynomial from -4.2 to 4.2, and a ramp beyond.
struct GeluOfFewDigits : Gelu {
  HWY_INLINE Vec operator()(Vec x) const {
    const Floats d;
    const auto a = hn::Min(hn::Abs(x), hn::Set(d, 4.2F));
    auto tail = hn::Set(d, 3.658300920506008e-05F);  // Φ(-a); tools/fit_kernels.py prints the factors
    for (const float factor :
         {-0.0005979115376248956F, 0.0033049089834094048F, -0.0034404448233544827F, -0.03358471021056175F,
          0.11981012672185898F, -0.04020277038216591F, -0.3851313591003418F, 0.4984194040298462F}) {
      tail = hn::MulAdd(tail, a, hn::Set(d, factor));
    }
    return hn::NegMulAdd(a, tail, ramp(x));
  }
};

/// The slope of x σ(s): σ + x σ (1 - σ) s'. 1 - σ comes from the exponential, where σ near 1 has lost its digits.
HWY_INLINE Vec gated_slope(Vec x, Vec s, Vec d_s) {
  const Floats d;
  const auto one = hn::Set(d, 1.0F);
  const auto e = exp(hn::Min(hn::Neg(s), hn::Set(d, kMostExponent)));
  const auto gate = hn::Div(one, hn::Add(one, e));
  return hn::MulAdd(gate, hn::Mul(hn::Mul(x, d_s), hn::Mul(e, gate)), gate);
}

struct LinearGate {  // s(x) = factor · x: SiLU, quick GELU
  float factor;
  HWY_INLINE Vec operator()(Vec x) const { return hn::Mul(x, gate(x)); }
  HWY_INLINE Vec gate(Vec x) const { return sigmoid(hn::Mul(hn::Set(Floats(), factor), x)); }
  HWY_INLINE Vec slope(Vec x) const {
    const auto scale = hn::Set(Floats(), factor);
    return gated_slope(x, hn::Mul(scale, x), scale);
  }
};

/// ½ x (1 + tanh(u)) = x σ(2u), u = √(2/π) (x + 0.044715 x³).
struct GeluTanh {
  static constexpr float kLinear = 1.5957691F;  // 2 √(2/π)
  static constexpr float kCubic = 0.044715F;
  HWY_INLINE Vec twice_u(Vec x) const {
    const Floats d;
    const auto cubed = hn::Mul(hn::Mul(x, x), x);
    return hn::Mul(hn::Set(d, kLinear), hn::MulAdd(hn::Set(d, kCubic), cubed, x));
  }
  HWY_INLINE Vec operator()(Vec x) const { return hn::Mul(x, gate(x)); }
  HWY_INLINE Vec gate(Vec x) const { return sigmoid(twice_u(x)); }
  HWY_INLINE Vec slope(Vec x) const {
    const Floats d;
    const auto a = hn::Clamp(x, hn::Set(d, -20.0F), hn::Set(d, 20.0F));  // beyond that the slope is 0 or 1
    const auto curve = hn::MulAdd(hn::Set(d, 3 * kCubic), hn::Mul(a, a), hn::Set(d, 1.0F));
    return gated_slope(a, twice_u(a), hn::Mul(hn::Set(d, kLinear), curve));
  }
};

template <typename Function>
void apply(const Function& function, const float* x, std::size_t size, float* y) {
  const Floats d;
  for_vectors(
      size, [&](std::size_t i) { hn::StoreU(function(hn::LoadU(d, x + i)), d, y + i); },
      [&](std::size_t i, std::size_t count) { store_first(function(load_first(x + i, count)), y + i, count); });
}

/// y = dy ⊙ factor(x)
template <typename Factor>
void multiply_by(const Factor& factor, const float* x, const float* dy, std::size_t size, float* y) {
  const Floats d;
  for_vectors(
      size, [&](std::size_t i) { hn::StoreU(hn::Mul(factor(hn::LoadU(d, x + i)), hn::LoadU(d, dy + i)), d, y + i); },
      [&](std::size_t i, std::size_t count) {
        store_first(hn::Mul(factor(load_first(x + i, count)), load_first(dy + i, count)), y + i, count);
      });
}

/// Calls body with the function of this name, as exact as is needed.
template <typename Body>
HWY_INLINE void with_function(Activation activation, bool few_digits, const Body& body) {
  switch (activation) {
    case Activation::kNone: break;
    case Activation::kGelu: return few_digits ? body(GeluOfFewDigits{}) : body(Gelu{});
    case Activation::kGeluTanh: return body(GeluTanh{});
    case Activation::kQuickGelu: return body(LinearGate{1.702F});
    case Activation::kSilu: return body(LinearGate{1.0F});
  }
}

void activate_piece(Activation activation, bool few_digits, const float* x, std::size_t size, float* y) {
  with_function(activation, few_digits, [&](const auto& function) { apply(function, x, size, y); });
}

void activate_backward_piece(Activation activation, Gradients gradients, const float* x, const float* dy,
                             std::size_t size, float* dx) {
  with_function(activation, false, [&](const auto& function) {
    if (gradients == Gradients::kLibra) {
      multiply_by([&](Vec values) { return function.gate(values); }, x, dy, size, dx);
    } else {
      multiply_by([&](Vec values) { return function.slope(values); }, x, dy, size, dx);
    }
  });
}

void silu_gate_row(std::size_t features, const float* x, float* y) {
  const Floats d;
  const LinearGate silu{1.0F};
  for_vectors(
      features,
      [&](std::size_t i) { hn::StoreU(hn::Mul(silu(hn::LoadU(d, x + i)), hn::LoadU(d, x + features + i)), d, y + i); },
      [&](std::size_t i, std::size_t count) {
        store_first(hn::Mul(silu(load_first(x + i, count)), load_first(x + features + i, count)), y + i, count);
      });
}

void silu_gate_backward_row(Gradients gradients, std::size_t features, const float* x, const float* dy, float* dx) {
  const Floats d;
  const LinearGate silu{1.0F};
  const bool libra = gradients == Gradients::kLibra;
  const auto share = hn::Set(d, libra ? 0.5F : 1.0F);
  const auto slope_of = [&](Vec gate) { return libra ? silu.gate(gate) : silu.slope(gate); };
  for_vectors(
      features,
      [&](std::size_t i) {
        const auto gate = hn::LoadU(d, x + i);
        const auto g = hn::Mul(hn::LoadU(d, dy + i), share);
        hn::StoreU(hn::Mul(hn::Mul(g, hn::LoadU(d, x + features + i)), slope_of(gate)), d, dx + i);
        hn::StoreU(hn::Mul(g, silu(gate)), d, dx + features + i);
      },
      [&](std::size_t i, std::size_t count) {
        const auto gate = load_first(x + i, count);
        const auto g = hn::Mul(load_first(dy + i, count), share);
        store_first(hn::Mul(hn::Mul(g, load_first(x + features + i, count)), slope_of(gate)), dx + i, count);
        store_first(hn::Mul(g, silu(gate)), dx + features + i, count);
      });
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(activate_piece);
HWY_EXPORT(activate_backward_piece);
HWY_EXPORT(silu_gate_row);
HWY_EXPORT(silu_gate_backward_row);

namespace {

constexpr std::size_t kPiece = 1024;  // whole vectors of any width

bool has_few_digits(Precision precision) {
  return precision == Precision::kBf16 || precision == Precision::kInt8;
}

}  // namespace

void activate(Activation activation, Precision reader, std::span<const float> x, std::span<float> y) {
  assert(activation != Activation::kNone && x.size() == y.size());
  share(x.size(), kPiece, [&](std::size_t first, std::size_t size) {
    HWY_DYNAMIC_DISPATCH(activate_piece)
    (activation, has_few_digits(reader), x.data() + first, size, y.data() + first);
  });
}

void activate_backward(Activation activation, Gradients gradients, std::span<const float> x, std::span<const float> dy,
                       std::span<float> dx) {
  assert(activation != Activation::kNone && x.size() == dy.size() && dx.size() == dy.size());
  share(dy.size(), kPiece, [&](std::size_t first, std::size_t size) {
    HWY_DYNAMIC_DISPATCH(activate_backward_piece)
    (activation, gradients, x.data() + first, dy.data() + first, size, dx.data() + first);
  });
}

void silu_gate(std::size_t rows, std::size_t features, std::span<const float> x, std::span<float> y,
               const RowsDone& done) {
  assert(x.size() == 2 * rows * features && y.size() == rows * features);
  share(rows, kFewRows, [&](std::size_t first, std::size_t count) {
    for (std::size_t row = first; row < first + count; ++row) {
      HWY_DYNAMIC_DISPATCH(silu_gate_row)(features, x.data() + row * 2 * features, y.data() + row * features);
    }
    if (done) done(first, count);
  });
}

void silu_gate_backward(Gradients gradients, std::size_t rows, std::size_t features, std::span<const float> x,
                        std::span<const float> dy, std::span<float> dx) {
  assert(x.size() == 2 * rows * features && dy.size() == rows * features && dx.size() == x.size());
  share(rows, kFewRows, [&](std::size_t first, std::size_t count) {
    for (std::size_t row = first; row < first + count; ++row) {
      HWY_DYNAMIC_DISPATCH(silu_gate_backward_row)
      (gradients, features, x.data() + row * 2 * features, dy.data() + row * features, dx.data() + row * 2 * features);
    }
  });
}

}  // namespace fovea::nn
#endif
