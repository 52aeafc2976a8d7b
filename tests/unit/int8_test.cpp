// Rows of integers, and the linear layers that are made of them, against exact integer arithmetic.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "fovea/precision.hpp"
#include "nn/kernels/int8_kernels.hpp"
#include "nn/linear/linear.hpp"
#include "support/forced_target.hpp"
#include "support/needs_precision.hpp"
#include "support/normal_values.hpp"

namespace fovea {
namespace {

using test::normal_values;

constexpr std::size_t kSizes[] = {1, 15, 16, 31, 32, 33, 192};

struct Rows {
  std::vector<std::int8_t> integers;
  std::vector<float> scales;
};

Rows naive_quantize_rows(std::size_t features, const std::vector<float>& x) {
  Rows rows;
  rows.integers.reserve(x.size());
  rows.scales.reserve(x.size() / features);
  for (std::size_t first = 0; first < x.size(); first += features) {
    float largest = 0;
    for (std::size_t i = 0; i < features; ++i) largest = std::max(largest, std::fabs(x[first + i]));
    const float steps = largest > 0 ? 127.0F / largest : 0.0F;
    for (std::size_t i = 0; i < features; ++i) {
      rows.integers.push_back(static_cast<std::int8_t>(std::nearbyint(x[first + i] * steps)));
    }
    rows.scales.push_back(largest / 127.0F);
  }
  return rows;
}

/// Activations as integers: x = scale · (q - zero).
struct UnsignedRows {
  std::vector<std::uint8_t> integers;
  std::vector<nn::RowStep> steps;
};

UnsignedRows naive_quantize_by_range(std::size_t features, const std::vector<float>& x) {
  UnsignedRows rows;
  rows.integers.reserve(x.size());
  rows.steps.reserve(x.size() / features);
  for (std::size_t first = 0; first < x.size(); first += features) {
    float low = 0;
    float high = 0;
    for (std::size_t i = 0; i < features; ++i) {
      low = std::min(low, x[first + i]);
      high = std::max(high, x[first + i]);
    }
    const float steps = high > low ? 255.0F / (high - low) : 0.0F;
    const auto zero = static_cast<std::int32_t>(std::nearbyint(-low * steps));
    for (std::size_t i = 0; i < features; ++i) {
      const auto q = static_cast<std::int32_t>(std::nearbyint(x[first + i] * steps)) + zero;
      rows.integers.push_back(static_cast<std::uint8_t>(std::clamp(q, 0, 255)));
    }
    rows.steps.push_back({(high - low) / 255.0F, zero});
  }
  return rows;
}

UnsignedRows quantize_by_range(std::size_t features, const std::vector<float>& x) {
  UnsignedRows rows{std::vector<std::uint8_t>(x.size(), 77), std::vector<nn::RowStep>(x.size() / features)};
  nn::quantize_rows(features, x, rows.integers, rows.steps);
  return rows;
}

Rows quantize(std::size_t features, const std::vector<float>& x) {
  Rows rows{std::vector<std::int8_t>(x.size(), 77), std::vector<float>(x.size() / features)};
  nn::quantize_rows(features, x, rows.integers, rows.scales);
  return rows;
}

TEST(QuantizeRows, RoundsEachRowByItsOwnLargestValueOnEachInstructionSet) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const test::ForcedTarget forced(target);
    for (const std::size_t features : kSizes) {
      auto x = normal_values(5 * features, 1, 30.0F);
      for (std::size_t i = 0; i < features; ++i) x[2 * features + i] = 0.0F;
      for (std::size_t i = 0; i < features; ++i) x[3 * features + i] *= 1e-6F;
      const Rows wanted = naive_quantize_rows(features, x);
      const Rows got = quantize(features, x);
      ASSERT_EQ(got.integers, wanted.integers) << features << ", " << hwy::TargetName(target);
      ASSERT_EQ(got.scales, wanted.scales) << features << ", " << hwy::TargetName(target);
      EXPECT_EQ(got.scales[2], 0.0F);
    }
  }
}

TEST(QuantizeRows, RoundsEachRowByItsOwnRangeOnEachInstructionSet) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const test::ForcedTarget forced(target);
    for (const std::size_t features : kSizes) {
      auto x = normal_values(7 * features, 1, 30.0F);
      for (std::size_t i = 0; i < features; ++i) {
        x[2 * features + i] = 0.0F;
        x[3 * features + i] *= 1e-6F;
        x[4 * features + i] = std::fabs(x[4 * features + i]);
        x[5 * features + i] = -std::fabs(x[5 * features + i]);
        x[6 * features + i] = std::max(x[6 * features + i], -0.17F);  // as behind GELU
      }
      const UnsignedRows wanted = naive_quantize_by_range(features, x);
      const UnsignedRows got = quantize_by_range(features, x);
      ASSERT_EQ(got.integers, wanted.integers) << features << ", " << hwy::TargetName(target);
      for (std::size_t r = 0; r < 7; ++r) {
        ASSERT_EQ(got.steps[r].scale, wanted.steps[r].scale);
        ASSERT_EQ(got.steps[r].zero, wanted.steps[r].zero);
        for (std::size_t i = 0; i < features; ++i) {
          const float step = got.steps[r].scale;
          const float back = step * static_cast<float>(got.integers[r * features + i] - got.steps[r].zero);
          ASSERT_NEAR(back, x[r * features + i], 1.01F * step) << "half a step, and half a one of the zero's rounding";
        }
      }
      EXPECT_EQ(got.steps[2].scale, 0.0F);
      EXPECT_EQ(got.steps[4].zero, 0);
      EXPECT_EQ(got.steps[5].zero, 255);
    }
  }
}

TEST(QuantizeRows, WhatIsNotFiniteIsNotHidden) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const test::ForcedTarget forced(target);
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
      for (const std::size_t at : {0U, 20U}) {  // in a whole vector and behind the last one
        auto x = normal_values(2 * 21, 1);
        x[21 + at] = bad;
        const Rows rows = quantize(21, x);
        EXPECT_TRUE(std::isfinite(rows.scales[0]));
        EXPECT_FALSE(std::isfinite(rows.scales[1])) << hwy::TargetName(target);
        const UnsignedRows by_range = quantize_by_range(21, x);
        EXPECT_TRUE(std::isfinite(by_range.steps[0].scale));
        EXPECT_FALSE(std::isfinite(by_range.steps[1].scale)) << hwy::TargetName(target);
      }
    }
  }
}

TEST(ScaleSums, MultipliesByBothScalesAndAddsTheBiasOnEachInstructionSet) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const test::ForcedTarget forced(target);
    for (const std::size_t features : kSizes) {
      constexpr std::size_t kRows = 3;
      const auto row_scales = normal_values(kRows, 1);
      const std::vector<nn::RowStep> steps{{row_scales[0], 0}, {row_scales[1], 3}, {row_scales[2], 255}};
      std::vector<std::int32_t> column_sums;
      for (const float value : normal_values(features, 5, 1e5F)) column_sums.push_back(std::int32_t(value));
      const auto column_scales = normal_values(features, 2);
      const auto bias = normal_values(features, 3);
      std::vector<std::int32_t> sums;
      sums.reserve(kRows * features);
      for (const float value : normal_values(kRows * features, 4, 1e7F)) sums.push_back(std::int32_t(value));
      for (const bool accumulate : {false, true}) {
        std::vector<float> y(sums.size(), 5.0F);
        nn::scale_sums(sums, steps, {column_sums, column_scales, bias}, accumulate, y);
        for (std::size_t i = 0; i < y.size(); ++i) {
          const float scale = row_scales[i / features] * column_scales[i % features];
          const std::int32_t centred = sums[i] - steps[i / features].zero * column_sums[i % features];
          const float scaled = float(centred) * scale + bias[i % features];
          ASSERT_EQ(y[i], accumulate ? 5.0F + scaled : scaled) << hwy::TargetName(target);
        }
      }
    }
  }
}

TEST(LinearInt8, SumsAreThoseOfExactIntegersForEveryRest) {
  FOVEA_NEEDS_PRECISION(Precision::kInt8);
  nn::Workspace workspace;
  for (const std::size_t rows : {1U, 2U, 17U, 64U}) {
    for (const std::size_t in : kSizes) {
      for (const std::size_t out : kSizes) {
        const auto weight = normal_values(out * in, 1);
        const auto bias = normal_values(out, 2);
        const auto x = normal_values(rows * in, 3);
        const auto packed = nn::pack_linear(Precision::kInt8, MatrixView<const float>(weight, out, in), bias);
        EXPECT_EQ(packed->precision(), Precision::kInt8);
        std::vector<float> y(rows * out, 5.0F);
        (*nn::make_linear(Precision::kInt8, {rows, in, out}, workspace))(*packed, x, y);
        const Rows w = naive_quantize_rows(in, weight);
        const UnsignedRows q = naive_quantize_by_range(in, x);
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t o = 0; o < out; ++o) {
            std::int64_t sum = 0;
            for (std::size_t i = 0; i < in; ++i) {
              sum += (std::int64_t{q.integers[r * in + i]} - q.steps[r].zero) * w.integers[o * in + i];
            }
            const float scale = q.steps[r].scale * w.scales[o];
            ASSERT_EQ(y[r * out + o], float(sum) * scale + bias[o]) << rows << " x " << in << " x " << out;
          }
        }
      }
    }
  }
}

TEST(LinearInt8, TheLargestSumsDoNotOverflowOrSaturate) {
  FOVEA_NEEDS_PRECISION(Precision::kInt8);
  constexpr std::size_t kIn = 4096;
  nn::Workspace workspace;
  std::vector<float> weight(2 * kIn, 1.0F);
  for (std::size_t i = 0; i < kIn; ++i) weight[i] = -1.0F;
  const auto packed = nn::pack_linear(Precision::kInt8, MatrixView<const float>(weight, 2, kIn), {{0.0F, 0.0F}});
  for (const float value : {3.0F, -3.0F}) {
    const std::vector<float> x(kIn, value);
    std::vector<float> y(2);
    (*nn::make_linear(Precision::kInt8, {1, kIn, 2}, workspace))(*packed, x, y);
    EXPECT_NEAR(y[0], -value * kIn, 1e-2F);
    EXPECT_NEAR(y[1], value * kIn, 1e-2F);
  }
}

TEST(LinearInt8, ALayerOfItsModelMayBeOfAnotherPrecision) {
  FOVEA_NEEDS_PRECISION(Precision::kInt8);
  nn::Workspace workspace;
  const auto weight = normal_values(31 * 48, 1);
  const auto bias = normal_values(31, 2);
  const auto x = normal_values(5 * 48, 3);
  const auto packed = nn::pack_linear(Precision::kF32, MatrixView<const float>(weight, 31, 48), bias);
  std::vector<float> exact(5 * 31);
  (*nn::make_linear(Precision::kF32, {5, 48, 31}, workspace))(*packed, x, exact);
  const auto mixed = nn::make_linear(Precision::kInt8, {5, 48, 31}, workspace);
  std::vector<float> y(5 * 31);
  (*mixed)(*packed, x, y);
  EXPECT_EQ(y, exact);
  (*mixed)(*nn::pack_linear(Precision::kInt8, MatrixView<const float>(weight, 31, 48), bias), x, y);
  EXPECT_NE(y, exact);
}

}  // namespace
}  // namespace fovea
