// One instruction set instead of the best, for kernels that Highway dispatches.
#pragma once

#include <hwy/targets.h>

#include <cstdint>

namespace fovea::test {

/// The instruction set that the kernels use while this object lives.
class ForcedTarget {
 public:
  explicit ForcedTarget(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
  }
  ~ForcedTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
  }
  ForcedTarget(const ForcedTarget&) = delete;
  ForcedTarget& operator=(const ForcedTarget&) = delete;
};

}  // namespace fovea::test
