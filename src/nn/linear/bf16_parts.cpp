#include "nn/linear/bf16_parts.hpp"

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/linear/bf16_parts.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h:
#include "nn/kernels/bf16-inl.hpp"
#include "nn/kernels/share.hpp"
#include "nn/kernels/simd_tail-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {

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
        split(i, load_first(x + i, count),
              [&](hn::Vec<Halves> values, std::uint16_t* to) { store_narrow_first(values, to, count); });
      });
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(split_into_bf16);

void split_into_bf16(std::span<const float> x, std::size_t parts, std::uint16_t* result, std::size_t stride) {
  constexpr std::size_t kPiece = 4096;  // whole vectors of any width
  share(x.size(), kPiece, [&](std::size_t first, std::size_t size) {
    HWY_DYNAMIC_DISPATCH(split_into_bf16)(x.data() + first, size, parts, result + first, stride);
  });
}

}  // namespace fovea::nn
#endif
