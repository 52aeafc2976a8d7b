// The exponential, for the files that Highway compiles once for each instruction set: half the instructions of
// Highway's own, which was most of the time of softmax and GELU.
#if defined(FOVEA_EXP_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_EXP_INL_HPP_
#undef FOVEA_EXP_INL_HPP_
#else
#define FOVEA_EXP_INL_HPP_
#endif

#include "nn/kernels/simd_tail-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {

/// A sum with it has no room for a fraction: the sum's last bits are the nearest integer, as a two's complement.
constexpr float kIntegers = 12582912.0F;  // 1.5 · 2^23

/// 2^n · e^rest.
/// @param shifted  n + kIntegers
/// @param rest     |rest| <= ln 2 / 2
HWY_INLINE hn::Vec<Floats> scaled_power(hn::Vec<Floats> shifted, hn::Vec<Floats> rest) {
  const Floats d;
  const hn::RebindToSigned<Floats> bits;
  auto power = hn::Set(d, 0.008290315046906471F);  // tools/fit_kernels.py prints the factors
  for (const float factor :
       {0.04189793020486832F, 0.1666763573884964F, 0.4999915063381195F, 0.9999997019767761F, 1.0F}) {
    power = hn::MulAdd(power, rest, hn::Set(d, factor));
  }
  // n is added to the exponent.
  return hn::BitCast(d, hn::Add(hn::BitCast(bits, power), hn::ShiftLeft<23>(hn::BitCast(bits, shifted))));
}

/// e^x for x <= 86, to 2e-7 of the result; 0 below -86.6. NaN stays NaN.
HWY_INLINE hn::Vec<Floats> exp(hn::Vec<Floats> x) {
  const Floats d;
  const auto shifter = hn::Set(d, kIntegers);
  const auto shifted = hn::MulAdd(x, hn::Set(d, 1.44269504F), shifter);  // 1 / ln 2
  const auto n = hn::Sub(shifted, shifter);
  // x - n ln 2, with ln 2 in two parts of which n times the first is exact: without that, and without fused
  // multiply-adds, a large x would lose its last digits.
  const auto rest = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4F), hn::NegMulAdd(n, hn::Set(d, 0.693359375F), x));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -86.6F)), scaled_power(shifted, rest));
}

/// 2^x for -125 <= x <= 125, to 2e-7 of the result. NaN stays NaN.
HWY_INLINE hn::Vec<Floats> exp2(hn::Vec<Floats> x) {
  const Floats d;
  const auto shifter = hn::Set(d, kIntegers);
  const auto shifted = hn::Add(x, shifter);
  const auto rest = hn::Mul(hn::Sub(x, hn::Sub(shifted, shifter)), hn::Set(d, 0.693147181F));  // ln 2
  return scaled_power(shifted, rest);
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#endif
