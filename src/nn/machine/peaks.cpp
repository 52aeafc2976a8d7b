#include "nn/machine/peaks.hpp"

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/machine/peaks.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

double fused_multiply_adds(std::size_t rounds) {
  const hn::ScalableTag<float> d;
  // Twelve chains: more than latency (4..5 cycles) times issue width (2), and they fit every register file.
  const auto m = hn::Set(d, 0.999999F);
  const auto c = hn::Set(d, 1e-6F);
  // Different starts: chains that are equal would be computed once.
  const auto start = [&](int i) { return hn::Set(d, 0.01F * static_cast<float>(i)); };
  auto a0 = start(0), a1 = start(1), a2 = start(2), a3 = start(3), a4 = start(4), a5 = start(5), a6 = start(6),
       a7 = start(7), a8 = start(8), a9 = start(9), a10 = start(10), a11 = start(11);
  for (std::size_t i = 0; i < rounds; ++i) {
    a0 = hn::MulAdd(a0, m, c);
    a1 = hn::MulAdd(a1, m, c);
    a2 = hn::MulAdd(a2, m, c);
    a3 = hn::MulAdd(a3, m, c);
    a4 = hn::MulAdd(a4, m, c);
    a5 = hn::MulAdd(a5, m, c);
    a6 = hn::MulAdd(a6, m, c);
    a7 = hn::MulAdd(a7, m, c);
    a8 = hn::MulAdd(a8, m, c);
    a9 = hn::MulAdd(a9, m, c);
    a10 = hn::MulAdd(a10, m, c);
    a11 = hn::MulAdd(a11, m, c);
  }
  const auto sum =
      hn::Add(hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(hn::Add(a4, a5), hn::Add(a6, a7))),
              hn::Add(hn::Add(a8, a9), hn::Add(a10, a11)));
  // The result is used, so that the chains are not optimised away: a sum of ones is never negative.
  const bool negative = hn::GetLane(hn::SumOfLanes(d, sum)) < 0.0F;
  return negative ? 0.0 : 2.0 * 12.0 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

void stream_triad(std::size_t size, std::size_t rounds, float* HWY_RESTRICT a, const float* HWY_RESTRICT b,
                  const float* HWY_RESTRICT c) {
  const hn::CappedTag<float, 16> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto s = hn::Set(d, 0.5F);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < size; i += 4 * lanes) {
      for (std::size_t j = i; j < i + 4 * lanes; j += lanes) {
        hn::Store(hn::MulAdd(s, hn::Load(d, c + j), hn::Load(d, b + j)), d, a + j);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::nn {

HWY_EXPORT(fused_multiply_adds);
double run_fused_multiply_adds(std::size_t rounds) {
  return HWY_DYNAMIC_DISPATCH(fused_multiply_adds)(rounds);
}

HWY_EXPORT(stream_triad);
void run_stream_triad(std::size_t size, std::size_t rounds, float* a, const float* b, const float* c) {
  HWY_DYNAMIC_DISPATCH(stream_triad)(size, rounds, a, b, c);
}

}  // namespace fovea::nn
#endif
