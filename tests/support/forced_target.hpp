// Forces one instruction set for kernels that Highway dispatches.
#pragma once

#include <hwy/targets.h>

#include <cstdint>

namespace fovea::test {

/// While this object lives, the kernels use the given instruction set.
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
