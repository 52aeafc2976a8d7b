// Tells Highway which of the instruction sets that it compiles for this CPU has. These three functions replace
// Highway's library: Debian's version (1.0) measures the resolution of the CPU's clock whenever it is loaded, which
// nothing here uses and which takes 4 ms, a tenth of the time from start to the first answer.
#include <hwy/targets.h>

#include <atomic>
#include <cstdint>

namespace hwy {
namespace {

std::int64_t detect() {
  std::int64_t targets = HWY_EMU128 | HWY_SCALAR;
#if HWY_ARCH_X86_64
  // The builtin names also check which registers the system saves. CPUs with AVX2 and FMA also have F16C and LZCNT,
  // which Highway expects together with them.
  __builtin_cpu_init();
  const auto all = [](auto... has) { return ((has != 0) && ...); };
  const bool ssse3 = all(__builtin_cpu_supports("ssse3"));
  const bool sse4 = all(ssse3, __builtin_cpu_supports("sse4.1"), __builtin_cpu_supports("sse4.2"),
                        __builtin_cpu_supports("pclmul"), __builtin_cpu_supports("aes"));
  const bool avx2 = all(sse4, __builtin_cpu_supports("avx2"), __builtin_cpu_supports("fma"),
                        __builtin_cpu_supports("bmi"), __builtin_cpu_supports("bmi2"));
  const bool avx3 =
      all(avx2, __builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512vl"),
          __builtin_cpu_supports("avx512dq"), __builtin_cpu_supports("avx512bw"), __builtin_cpu_supports("avx512cd"));
  if (ssse3) targets |= HWY_SSSE3;
  if (sse4) targets |= HWY_SSE4;
  if (avx2) targets |= HWY_AVX2;
  if (avx3) targets |= HWY_AVX3;
#endif
  return targets;
}

std::atomic<std::int64_t> wanted_by_test{0};

}  // namespace

std::int64_t SupportedTargets() {
  static const std::int64_t detected = detect();
  const std::int64_t wanted = wanted_by_test.load();
  return wanted != 0 ? wanted : detected;
}

void SetSupportedTargetsForTest(std::int64_t targets) {
  wanted_by_test.store(targets);
}

ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}

}  // namespace hwy
