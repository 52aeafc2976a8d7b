#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>

#include "base/aligned_buffer.hpp"
#include "fovea/machine.hpp"
#include "nn/machine/peaks.hpp"
#include "support/forced_target.hpp"
#include "support/normal_values.hpp"

namespace fovea {
namespace {

TEST(StreamTriad, IsWhatItCountsOnEachInstructionSet) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const test::ForcedTarget forced(target);
    for (const std::size_t size : {64U, 192U, 1024U}) {
      AlignedBuffer<float> arrays(3 * size + 16);
      const auto values = test::normal_values(arrays.size(), 3);
      std::copy(values.begin(), values.end(), arrays.data());
      nn::run_stream_triad(size, 2, arrays.data(), arrays.data() + size, arrays.data() + 2 * size);
      for (std::size_t i = 0; i < size; ++i) {
        ASSERT_FLOAT_EQ(arrays.data()[i], values[size + i] + 0.5F * values[2 * size + i]) << i << " of " << size;
      }
      EXPECT_TRUE(std::equal(values.begin() + static_cast<std::ptrdiff_t>(size), values.end(), arrays.data() + size));
    }
  }
}

TEST(MeasuredBandwidth, IsPlausibleForSmallAndLargeArrays) {
  for (const std::size_t bytes : {0U, 1U << 16U, 1U << 24U}) {
    const double rate = measure_bandwidth_gb_per_s(2, bytes);
    EXPECT_GT(rate, 0.05) << bytes;
    EXPECT_LT(rate, 1e5) << bytes;
  }
}

}  // namespace
}  // namespace fovea
