#include "nn/machine/stream_triad.hpp"

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/machine/stream_triad.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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

HWY_EXPORT(stream_triad);
void run_stream_triad(std::size_t size, std::size_t rounds, float* a, const float* b, const float* c) {
  HWY_DYNAMIC_DISPATCH(stream_triad)(size, rounds, a, b, c);
}

}  // namespace fovea::nn
#endif
