#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/numerics.hpp"

namespace fovea::test {
namespace {

TEST(Finite, OneBadValueIsFoundWhereverItStands) {
  constexpr float kBad[] = {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  for (std::size_t size = 0; size <= 70; ++size) {
    std::vector<float> values(size, -std::numeric_limits<float>::max());
    EXPECT_TRUE(all_finite(values)) << size;
    for (std::size_t at = 0; at < size; ++at) {
      for (const float bad : kBad) {
        values[at] = bad;
        EXPECT_FALSE(all_finite(values)) << at << " of " << size;
      }
      values[at] = std::numeric_limits<float>::denorm_min();
    }
  }
}

TEST(Finite, AConstantHasOneValue) {
  EXPECT_TRUE(is_constant({}));
  EXPECT_TRUE(is_constant(std::vector<float>{3}));
  EXPECT_TRUE(is_constant(std::vector<float>(49, 0.1F)));
  std::vector<float> values(49, 0.1F);
  values.back() = 0.2F;
  EXPECT_FALSE(is_constant(values));
}

}  // namespace
}  // namespace fovea::test
