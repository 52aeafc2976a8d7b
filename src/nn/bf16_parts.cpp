#include "nn/bf16_parts.hpp"

#include <algorithm>
#include <cassert>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/bf16_parts.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include "nn/simd_tail-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {

using Words = hn::RebindToUnsigned<Floats>;
using Halves = hn::Rebind<std::uint16_t, Floats>;

/// The nearest float whose lower 16 bits are 0.
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

HWY_INLINE hn::Vec<Halves> upper_half(hn::Vec<Floats> x) {
  const hn::RebindToSigned<Floats> ints;
  const auto shifted = hn::ShiftRight<16>(hn::BitCast(Words(), x));
  return hn::DemoteTo(Halves(), hn::BitCast(ints, shifted));
}

void split_into_bf16(const float* x, std::size_t size, std::size_t parts, std::uint16_t* result, std::size_t stride) {
  const auto split = [&](std::size_t i, hn::Vec<Floats> rest, auto&& store) {
    for (std::size_t part = 0; part < parts; ++part) {
      const auto nearest = nearest_bf16(rest);
      store(upper_half(nearest), result + part * stride + i);
      rest = hn::IfThenElseZero(hn::IsFinite(nearest), hn::Sub(rest, nearest));
    }
  };
  for_vectors(
      size,
      [&](std::size_t i) {
        split(i, hn::LoadU(Floats(), x + i),
              [](hn::Vec<Halves> values, std::uint16_t* to) { hn::StoreU(values, Halves(), to); });
      },
      [&](std::size_t i, std::size_t count) {
        split(i, load_first(x + i, count), [&](hn::Vec<Halves> values, std::uint16_t* to) {
          HWY_ALIGN std::uint16_t all[HWY_LANES(float)];
          hn::Store(values, Halves(), all);
          std::copy_n(all, count, to);
        });
      });
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(split_into_bf16);

void split_into_bf16(std::span<const float> x, std::size_t parts, std::span<std::uint16_t> result) {
  assert(result.size() == parts * x.size());
  constexpr std::size_t kPiece = 4096;  // whole vectors of any width
#pragma omp parallel for schedule(static) if (x.size() > kPiece)
  for (std::size_t first = 0; first < x.size(); first += kPiece) {
    HWY_DYNAMIC_DISPATCH(split_into_bf16)
    (x.data() + first, std::min(kPiece, x.size() - first), parts, result.data() + first, x.size());
  }
}

}  // namespace fovea::nn
#endif
