// bfloat16 numbers and their products, for the files that Highway compiles once for each instruction set.
#if defined(FOVEA_BF16_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_BF16_INL_HPP_
#undef FOVEA_BF16_INL_HPP_
#else
#define FOVEA_BF16_INL_HPP_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "nn/kernels/simd_tail-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {

using Words = hn::RebindToUnsigned<Floats>;
using Halves = hn::Rebind<std::uint16_t, Floats>;

/// The nearest float (ties to even) whose lower 16 bits are 0. NaN stays NaN.
HWY_INLINE hn::Vec<Floats> nearest_bf16(hn::Vec<Floats> x) {
  const Floats d;
  const Words words;
  const auto upper = hn::Set(words, 0xFFFF0000U);
  const auto bits = hn::BitCast(words, x);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1U));
  const auto rounded = hn::And(hn::Add(bits, hn::Add(odd, hn::Set(words, 0x7FFFU))), upper);
  const auto quiet_nan = hn::Or(hn::And(bits, upper), hn::Set(words, 0x00400000U));
  return hn::IfThenElse(hn::IsNaN(x), hn::BitCast(d, quiet_nan), hn::BitCast(d, rounded));
}

/// The upper 16 bits of each lane.
HWY_INLINE hn::Vec<Halves> upper_half(hn::Vec<Floats> x) {
  const hn::RebindToSigned<Floats> ints;
  const auto shifted = hn::ShiftRight<16>(hn::BitCast(Words(), x));
  return hn::DemoteTo(Halves(), hn::BitCast(ints, shifted));
}

// Debian's Highway (1.0) does not know the instructions of AVX512-BF16. Code that is compiled for AVX-512 here has
// them, so callers ask has_units(Precision::kBf16) first.
#undef FOVEA_BF16_UNITS
#define FOVEA_BF16_UNITS (HWY_ARCH_X86_64 && HWY_TARGET <= HWY_AVX3)

/// The nearest bfloat16 numbers (ties to even); by the units, zeros for what is too small for a normal one.
HWY_INLINE hn::Vec<Halves> to_bf16(hn::Vec<Floats> x) {
#if FOVEA_BF16_UNITS
  hn::Vec<Halves> result;
  asm("vcvtneps2bf16 %1, %0" : "=v"(result.raw) : "v"(x.raw));
  return result;
#else
  return upper_half(nearest_bf16(x));
#endif
}

HWY_INLINE hn::Vec<Floats> to_float(hn::Vec<Halves> x) {
  return hn::BitCast(Floats(), hn::ShiftLeft<16>(hn::PromoteTo(Words(), x)));
}

/// sum + a's lower half · b's lower half + a's upper half · b's upper half, in each lane.
HWY_INLINE hn::Vec<Floats> add_pair_products(hn::Vec<Floats> sum, hn::Vec<Words> a, hn::Vec<Words> b) {
#if FOVEA_BF16_UNITS
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
#else
  const Floats d;
  const auto lower = [&](hn::Vec<Words> pairs) { return hn::BitCast(d, hn::ShiftLeft<16>(pairs)); };
  const auto upper = [&](hn::Vec<Words> pairs) {
    return hn::BitCast(d, hn::And(pairs, hn::Set(Words(), 0xFFFF0000U)));
  };
  return hn::MulAdd(lower(a), lower(b), hn::MulAdd(upper(a), upper(b), sum));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#endif
