// Products of bfloat16 matrices, against the definition in double.
#include "nn/kernels/bf16_kernels.hpp"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "fovea/precision.hpp"
#include "support/bf16.hpp"
#include "support/forced_target.hpp"
#include "support/needs_precision.hpp"
#include "support/normal_values.hpp"

namespace fovea::nn {
namespace {

using test::from_bf16;
using test::naive_bf16;
using test::normal_values;

constexpr std::uint16_t kUntouched = 0x4567;
constexpr float kNone = 77.0F;

/// On each instruction set of this machine; those without bfloat16 units do the same by hand.
template <typename Body>
void on_each_instruction_set(const Body& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const test::ForcedTarget forced(target);
    SCOPED_TRACE(hwy::TargetName(target));
    ASSERT_NO_FATAL_FAILURE(body());
  }
}

TEST(RoundToBf16, TakesTheNearestNumber) {
  FOVEA_NEEDS_PRECISION(Precision::kBf16);
  on_each_instruction_set([] {
    for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 31U, 32U, 33U, 192U}) {
      auto x = normal_values(size, 1, 30.0F);
      if (size > 4) {
        x[0] = 1.00390625F;  // halfway, down to even
        x[1] = 1.01171875F;  // halfway, up to even
        x[2] = -std::numeric_limits<float>::infinity();
        x[3] = std::bit_cast<float>(0x7FFFFFFFU);  // a NaN that rounding would carry over into -0
      }
      std::vector<std::uint16_t> rounded(size + 3, kUntouched);
      round_to_bf16(x, rounded.data());
      for (std::size_t i = 0; i < size; ++i) {
        if (std::isnan(x[i])) {
          ASSERT_TRUE(std::isnan(from_bf16(rounded[i])));
        } else {
          ASSERT_EQ(from_bf16(rounded[i]), std::isinf(x[i]) ? x[i] : naive_bf16(x[i])) << x[i];
        }
      }
      for (std::size_t i = size; i < size + 3; ++i) ASSERT_EQ(rounded[i], kUntouched);
    }
  });
}

/// With untouched memory around the result.
TEST(MultiplyBf16, EqualsTheDefinitionForEverySize) {
  FOVEA_NEEDS_PRECISION(Precision::kBf16);
  on_each_instruction_set([] {
    for (const std::size_t rows : {1U, 2U, 5U, 6U, 7U, 13U}) {
      for (const std::size_t depth : {1U, 2U, 15U, 16U, 31U, 64U, 197U}) {
        for (const std::size_t cols : {1U, 3U, 15U, 16U, 17U, 31U, 32U, 33U, 197U}) {
          const auto a = normal_values(rows * (depth + 3), 1);
          const auto b = normal_values(depth * (cols + 2), 2);
          const auto scales = normal_values(rows, 3);
          const std::size_t a_stride = 2 * pairs_of(depth) + 4;
          std::vector<std::uint16_t> left(rows * a_stride, kUntouched);
          std::vector<Bf16Pair> right(pairs_of(depth) * (cols + 1), kUntouched);
          std::vector<float> y(rows * (cols + 5), kNone);
          round_rows(rows, depth, {a.data(), depth + 3}, {left.data(), a_stride});
          pair_rows(depth, cols, {b.data(), cols + 2}, {right.data(), cols + 1});
          multiply_bf16({rows, depth, cols}, scales.data(), {left.data(), a_stride}, {right.data(), cols + 1},
                        {y.data(), cols + 5});
          for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t c = 0; c < cols + 5; ++c) {
              double sum = 0;
              double reach = 0;
              for (std::size_t k = 0; k < depth && c < cols; ++k) {
                const double product =
                    double(naive_bf16(a[r * (depth + 3) + k])) * double(naive_bf16(b[k * (cols + 2) + c]));
                sum += product;
                reach += std::fabs(product);
              }
              const double wanted = c < cols ? double(scales[r]) * sum : double(kNone);
              ASSERT_NEAR(double(y[r * (cols + 5) + c]), wanted, 1e-6 * reach)
                  << rows << "x" << depth << "x" << cols << " at " << r << "," << c;
            }
          }
          for (std::size_t i = 2 * pairs_of(depth); i < a_stride; ++i) ASSERT_EQ(left[i], kUntouched);
          for (std::size_t k = 0; k < pairs_of(depth); ++k) ASSERT_EQ(right[k * (cols + 1) + cols], kUntouched);
        }
      }
    }
  });
}

TEST(SoftmaxRowsBf16, EqualsTheDefinitionAndSumsTo1) {
  FOVEA_NEEDS_PRECISION(Precision::kBf16);
  on_each_instruction_set([] {
    for (const std::size_t cols : {1U, 2U, 15U, 16U, 17U, 31U, 32U, 33U, 197U}) {
      constexpr std::size_t kRows = 5;
      auto logits = normal_values(kRows * cols, 5, 4.0F);
      logits[0] = 300.0F;  // would overflow without the maximum taken off
      for (const bool shown : {false, true}) {
        auto values = logits;
        const std::size_t stride = 2 * pairs_of(cols);
        std::vector<std::uint16_t> exponentials(kRows * stride, kUntouched);
        std::vector<float> scales(kRows);
        softmax_rows_bf16(kRows, cols, shown, {values.data(), cols}, {exponentials.data(), stride}, scales.data());
        for (std::size_t r = 0; r < kRows; ++r) {
          const float* const row = logits.data() + r * cols;
          double largest = -1e30;
          for (std::size_t i = 0; i < cols; ++i) largest = std::max(largest, double(row[i]));
          double sum = 0;
          double given = 0;
          for (std::size_t i = 0; i < cols; ++i) sum += std::exp(double(row[i]) - largest);
          for (std::size_t i = 0; i < cols; ++i) {
            const double wanted = std::exp(double(row[i]) - largest) / sum;
            const double weight = double(from_bf16(exponentials[r * stride + i])) * double(scales[r]);
            ASSERT_NEAR(weight, wanted, 0x1p-7 * wanted + 1e-30);
            if (shown) {
              ASSERT_NEAR(double(values[r * cols + i]), weight, 1e-6 * weight);
            }
            given += weight;
          }
          ASSERT_NEAR(given, 1.0, 1e-5);
          if (cols % 2 == 1) {
            ASSERT_EQ(exponentials[r * stride + cols], 0);
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace fovea::nn
