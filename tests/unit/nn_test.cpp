// Each operation against a naive twin in double, over sizes around vector and cache block boundaries.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "fovea/machine.hpp"
#include "fovea/precision.hpp"
#include "nn/attention/attention.hpp"
#include "nn/attention/attention_kernels.hpp"
#include "nn/attention/rotary.hpp"
#include "nn/kernels/activation.hpp"
#include "nn/kernels/norm_kernels.hpp"
#include "nn/linear/linear.hpp"
#include "support/bf16.hpp"
#include "support/forced_target.hpp"
#include "support/needs_precision.hpp"
#include "support/normal_values.hpp"

namespace fovea::nn {
namespace {

using test::normal_values;

void expect_near(std::span<const float> actual, std::span<const double> wanted, double tolerance) {
  ASSERT_EQ(actual.size(), wanted.size());
  for (std::size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(double(actual[i]), wanted[i], tolerance) << "at " << i;
}

TEST(Linear, EqualsTheNaiveProductForEverySize) {
  Workspace workspace;
  for (const std::size_t rows : {1U, 2U, 15U, 16U, 31U, 33U}) {
    for (const std::size_t in : {1U, 15U, 16U, 31U, 32U, 33U, 192U}) {
      for (const std::size_t out : {1U, 16U, 31U, 32U, 65U}) {
        const auto weight = normal_values(out * in, 1);
        const auto bias = normal_values(out, 2);
        const auto x = normal_values(rows * in, 3);
        const auto packed = pack_linear(Precision::kF32, MatrixView<const float>(weight, out, in), bias);
        for (const bool accumulate : {false, true}) {
          auto y = normal_values(rows * out, 4);
          std::vector<double> wanted(y.size());
          for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t o = 0; o < out; ++o) {
              double sum = double(bias[o]);
              for (std::size_t i = 0; i < in; ++i) sum += double(x[r * in + i]) * double(weight[o * in + i]);
              wanted[r * out + o] = sum + (accumulate ? double(y[r * out + o]) : 0.0);
            }
          }
          const auto linear = make_linear(Precision::kF32, {rows, in, out, accumulate}, workspace);
          (*linear)(*packed, x, y);
          SCOPED_TRACE(testing::Message() << rows << "x" << in << "x" << out);
          ASSERT_NO_FATAL_FAILURE(expect_near(y, wanted, 1e-6 * double(in) + 2e-5));
        }
      }
    }
  }
}

TEST(Linear, SharesPackedWeightsBetweenNumbersOfRowsBitForBit) {
  Workspace workspace;
  const auto weight = normal_values(192 * 768, 1);
  const auto bias = normal_values(192, 2);
  const auto packed = pack_linear(Precision::kF32, MatrixView<const float>(weight, 192, 768), bias);
  const auto x = normal_values(197 * 768, 3);
  std::vector<float> all(197 * 192);
  (*make_linear(Precision::kF32, {197, 768, 192}, workspace))(*packed, x, all);
  for (const std::size_t rows : {1U, 2U, 8U, 50U}) {
    std::vector<float> some(rows * 192);
    (*make_linear(Precision::kF32, {rows, 768, 192}, workspace))(*packed, std::span(x).first(rows * 768), some);
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << rows;
  }
}

/// Rows apart, in place and not, with every instruction set of this machine.
TEST(Normalize, EqualsTheDefinitionForEveryWidthKindAndInstructionSet) {
  constexpr float kUntouched = 77.0F;
  for (std::int64_t left = HWY_TARGETS & hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const test::ForcedTarget forced(left & -left);
    for (const NormKind kind : {NormKind::kLayer, NormKind::kRms}) {
      for (const std::size_t features : {1U, 2U, 15U, 16U, 17U, 31U, 32U, 33U, 192U}) {
        const std::size_t rows = 5;
        const std::size_t stride = features + 3;
        const auto weight = normal_values(features, 1);
        const auto bias = kind == NormKind::kLayer ? normal_values(features, 2) : std::vector<float>();
        const auto x = normal_values(rows * stride, 3, 1e-3F);  // a variance near eps, so that a wrong eps shows
        std::vector<float> y(rows * stride, kUntouched);
        normalize({kind, rows, features, 1e-6F}, weight, bias, {x.data(), stride}, {y.data(), stride});
        for (std::size_t r = 0; r < rows; ++r) {
          double mean = 0;
          double variance = 0;
          if (kind == NormKind::kLayer) {
            for (std::size_t i = 0; i < features; ++i) mean += double(x[r * stride + i]) / double(features);
          }
          for (std::size_t i = 0; i < features; ++i) {
            variance += std::pow(double(x[r * stride + i]) - mean, 2) / double(features);
          }
          for (std::size_t i = 0; i < features; ++i) {
            const double wanted = (double(x[r * stride + i]) - mean) / std::sqrt(variance + 1e-6) * double(weight[i]) +
                                  (bias.empty() ? 0.0 : double(bias[i]));
            ASSERT_NEAR(double(y[r * stride + i]), wanted, 1e-5) << features << " features, row " << r;
          }
          for (std::size_t i = features; i < stride; ++i) ASSERT_EQ(y[r * stride + i], kUntouched);
        }
        auto in_place = x;
        normalize({kind, rows, features, 1e-6F}, weight, bias, {in_place.data(), stride}, {in_place.data(), stride});
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t i = 0; i < features; ++i) ASSERT_EQ(in_place[r * stride + i], y[r * stride + i]);
        }
      }
    }
  }
}

TEST(SiluGate, EqualsTheDefinitionForEveryWidthAndInstructionSet) {
  for (std::int64_t left = HWY_TARGETS & hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const test::ForcedTarget forced(left & -left);
    for (const std::size_t features : {1U, 15U, 16U, 17U, 31U, 32U, 33U, 128U}) {
      auto x = normal_values(3 * 2 * features, 6, 4.0F);
      x[0] = -200.0F;  // exp(200) overflows: the gate is shut, not NaN
      std::vector<float> y(3 * features);
      std::vector<double> wanted;
      for (std::size_t r = 0; r < 3; ++r) {
        for (std::size_t i = 0; i < features; ++i) {
          const double gate = double(x[r * 2 * features + i]);
          wanted.push_back(gate / (1.0 + std::exp(-gate)) * double(x[(r * 2 + 1) * features + i]));
        }
      }
      silu_gate(3, features, x, y);
      SCOPED_TRACE(features);
      ASSERT_NO_FATAL_FAILURE(expect_near(y, wanted, 1e-5));
    }
  }
}

/// As complex numbers: each pair is multiplied by cos + i sin; the prefix and the values stay.
TEST(Rotate, TurnsTheQueriesAndKeysOfPatchesOnly) {
  for (const RotaryPairs pairs : {RotaryPairs::kNeighbours, RotaryPairs::kHalves}) {
    const std::size_t dim = 8;
    const std::size_t heads = 3;
    const std::size_t prefix = 2;
    const std::size_t patches = 5;
    RotaryTable table{pairs, dim, 1, {}, {}};
    const auto feature = [&](std::size_t pair, std::size_t second) {
      return pairs == RotaryPairs::kNeighbours ? 2 * pair + second : pair + second * dim / 2;
    };
    table.cos.resize(patches * dim);
    table.sin.resize(patches * dim);
    for (std::size_t patch = 0; patch < patches; ++patch) {
      for (std::size_t pair = 0; pair < dim / 2; ++pair) {
        const double angle = 0.3 * double(patch) + 0.7 * double(pair);
        for (const std::size_t second : {0U, 1U}) {
          table.cos[patch * dim + feature(pair, second)] = float(std::cos(angle));
          table.sin[patch * dim + feature(pair, second)] = float(std::sin(angle));
        }
      }
    }
    const auto before = normal_values((prefix + patches) * 3 * heads * dim, 8);
    auto after = before;
    rotate(table, prefix, heads, after);
    for (std::size_t token = 0; token < prefix + patches; ++token) {
      for (std::size_t part = 0; part < 3 * heads; ++part) {
        for (std::size_t pair = 0; pair < dim / 2; ++pair) {
          const std::size_t at = (token * 3 * heads + part) * dim;
          const bool turned = token >= prefix && part < 2 * heads;
          const double angle = turned ? 0.3 * double(token - prefix) + 0.7 * double(pair) : 0.0;
          const std::complex<double> number{double(before[at + feature(pair, 0)]),
                                            double(before[at + feature(pair, 1)])};
          const std::complex<double> wanted = number * std::polar(1.0, angle);
          ASSERT_NEAR(double(after[at + feature(pair, 0)]), wanted.real(), 1e-5);
          ASSERT_NEAR(double(after[at + feature(pair, 1)]), wanted.imag(), 1e-5);
        }
      }
    }
  }
}

TEST(SoftmaxRows, EqualsTheDefinitionForEveryWidthAndInstructionSet) {
  for (std::int64_t left = HWY_TARGETS & hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const test::ForcedTarget forced(left & -left);
    for (const std::size_t cols : {1U, 2U, 7U, 8U, 15U, 16U, 17U, 31U, 32U, 33U, 197U}) {
      auto values = normal_values(3 * cols, 5, 4.0F);
      values[0] = 300.0F;  // would overflow without the maximum taken off
      std::vector<double> wanted;
      for (std::size_t r = 0; r < 3; ++r) {
        double sum = 0;
        for (std::size_t i = 0; i < cols; ++i) sum += std::exp(double(values[r * cols + i]) - (r == 0 ? 300.0 : 0.0));
        for (std::size_t i = 0; i < cols; ++i) {
          wanted.push_back(std::exp(double(values[r * cols + i]) - (r == 0 ? 300.0 : 0.0)) / sum);
        }
      }
      softmax_rows(values.size() / cols, cols, {values.data(), cols});
      SCOPED_TRACE(cols);
      ASSERT_NO_FATAL_FAILURE(expect_near(values, wanted, 1e-6));
    }
  }
}

TEST(SoftmaxRows, KeepsTheDigitsOfSmallSharesAndShowsWhatIsNoNumber) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (std::int64_t left = HWY_TARGETS & hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const test::ForcedTarget forced(left & -left);
    std::vector<float> values(197, -90.0F);
    for (std::size_t i = 0; i < 80; ++i) values[i] = -static_cast<float>(i);
    values[196] = -kInfinity;
    softmax_rows(1, values.size(), {values.data(), values.size()});
    const double sum = 1.0 / (1.0 - std::exp(-1.0));
    for (std::size_t i = 0; i < 80; ++i) {
      const double wanted = std::exp(-static_cast<double>(i)) / sum;
      ASSERT_NEAR(double(values[i]), wanted, 5e-7 * wanted) << i << ", " << hwy::TargetName(left & -left);
    }
    EXPECT_EQ(values[100], 0.0F);
    EXPECT_EQ(values[196], 0.0F);
    std::vector<float> broken(33, 1.0F);
    broken[20] = std::numeric_limits<float>::quiet_NaN();
    softmax_rows(1, broken.size(), {broken.data(), broken.size()});
    for (const float value : broken) ASSERT_TRUE(std::isnan(value)) << hwy::TargetName(left & -left);
  }
}

/// With every instruction set of this machine, and untouched memory around the result.
TEST(Multiply, EqualsTheDefinitionForEverySizeAndInstructionSet) {
  constexpr float kUntouched = 77.0F;
  for (std::int64_t left = HWY_TARGETS & hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    const test::ForcedTarget forced(target);
    for (const std::size_t rows : {1U, 2U, 5U, 6U, 7U, 13U}) {
      for (const std::size_t depth : {1U, 2U, 31U, 64U}) {
        for (const std::size_t cols : {1U, 3U, 4U, 8U, 15U, 16U, 17U, 31U, 32U, 33U, 197U}) {
          const std::size_t stride = cols + 5;
          const auto a = normal_values(rows * (depth + 3), 1);
          const auto b = normal_values(depth * stride, 2);
          std::vector<float> y(rows * stride, kUntouched);
          multiply({rows, depth, cols}, 0.25F, {a.data(), depth + 3}, {b.data(), stride}, {y.data(), stride});
          for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t c = 0; c < stride; ++c) {
              double sum = 0;
              for (std::size_t k = 0; k < depth; ++k) sum += double(a[r * (depth + 3) + k]) * double(b[k * stride + c]);
              const double wanted = c < cols ? 0.25 * sum : double(kUntouched);
              ASSERT_NEAR(double(y[r * stride + c]), wanted, 1e-5)
                  << hwy::TargetName(target) << " " << rows << "x" << depth << "x" << cols << " at " << r << "," << c;
            }
          }
        }
      }
    }
  }
}

TEST(Transpose, SwapsRowsAndColumnsOfStridedViews) {
  for (const std::size_t rows : {1U, 15U, 16U, 17U, 33U}) {
    for (const std::size_t cols : {1U, 16U, 31U}) {
      const auto from = normal_values(rows * (cols + 2), 1);
      std::vector<float> to(cols * (rows + 3), 77.0F);
      transpose(rows, cols, {from.data(), cols + 2}, {to.data(), rows + 3});
      for (std::size_t c = 0; c < cols; ++c) {
        for (std::size_t r = 0; r < rows + 3; ++r) {
          ASSERT_EQ(to[c * (rows + 3) + r], r < rows ? from[r * (cols + 2) + c] : 77.0F);
        }
      }
    }
  }
}

/// @param bias  [H, N, N], or empty
std::vector<double> naive_attention(const std::vector<float>& qkv, const AttentionShape& s,
                                    const std::vector<float>& bias, std::vector<double>& out) {
  const std::size_t width = s.num_heads * s.head_dim;
  std::vector<double> weights;
  out.assign(s.tokens * width, 0.0);
  for (std::size_t h = 0; h < s.num_heads; ++h) {
    for (std::size_t i = 0; i < s.tokens; ++i) {
      std::vector<double> row(s.tokens);
      double sum = 0;
      for (std::size_t j = 0; j < s.tokens; ++j) {
        double dot = 0;
        for (std::size_t c = 0; c < s.head_dim; ++c) {
          dot +=
              double(qkv[i * 3 * width + h * s.head_dim + c]) * double(qkv[j * 3 * width + width + h * s.head_dim + c]);
        }
        const double added = bias.empty() ? 0.0 : double(bias[(h * s.tokens + i) * s.tokens + j]);
        sum += row[j] = std::exp(dot / std::sqrt(double(s.head_dim)) + added);
      }
      for (std::size_t j = 0; j < s.tokens; ++j) {
        weights.push_back(row[j] / sum);
        for (std::size_t c = 0; c < s.head_dim; ++c) {
          out[i * width + h * s.head_dim + c] +=
              row[j] / sum * double(qkv[j * 3 * width + 2 * width + h * s.head_dim + c]);
        }
      }
    }
  }
  return weights;
}

/// By what its products are made of.
class AttentionProducts : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override { FOVEA_NEEDS_PRECISION(GetParam()); }
};

TEST_P(AttentionProducts, EqualTheNaiveTwinForEverySize) {
  const bool rounded = GetParam() == Precision::kBf16;
  for (const std::size_t tokens : {1U, 2U, 15U, 16U, 17U, 31U, 33U, 64U, 65U, 130U}) {
    for (const auto& [heads, head_dim] : {std::pair<std::size_t, std::size_t>{1, 8}, {3, 16}, {2, 31}, {4, 64}}) {
      const AttentionShape shape{tokens, heads, head_dim};
      auto qkv = normal_values(tokens * 3 * heads * head_dim, 6);
      if (rounded) qkv = test::naive_bf16(qkv);
      for (const auto& bias : {std::vector<float>(), normal_values(heads * tokens * tokens, 11)}) {
        std::vector<double> wanted_out;
        const auto wanted = naive_attention(qkv, shape, bias, wanted_out);
        Attention attention(shape, GetParam());
        std::vector<float> weights(heads * tokens * tokens);
        std::vector<float> out(tokens * heads * head_dim);
        attention(qkv, tokens, bias, out, weights);
        SCOPED_TRACE(testing::Message() << tokens << " tokens, " << heads << " heads of " << head_dim);
        // bfloat16 rounds the last of a weight's 8 bits.
        ASSERT_NO_FATAL_FAILURE(expect_near(weights, wanted, rounded ? 0x1p-8 : 1e-5));
        ASSERT_NO_FATAL_FAILURE(expect_near(out, wanted_out, rounded ? 0x1p-7 : 2e-5));
      }
    }
  }
}

TEST_P(AttentionProducts, GiveTheSameBytesForAnyThreadsAndWhetherObservedOrNot) {
  const AttentionShape shape{197, 3, 64};
  const auto qkv = normal_values(197 * 3 * 192, 7);
  std::vector<float> first;
  for (const int threads : {1, 2, 3, 4}) {
    set_compute_threads(threads);
    Attention attention(shape, GetParam());
    std::vector<float> weights(3 * 197 * 197);
    std::vector<float> observed(197 * 192);
    std::vector<float> unobserved(197 * 192);
    std::vector<float> class_token(197 * 192);
    attention(qkv, 197, {}, observed, weights);
    attention(qkv, 197, {}, unobserved, {});
    attention(qkv, 1, {}, class_token, {});
    if (first.empty()) first = observed;
    EXPECT_EQ(observed, first) << threads;
    EXPECT_EQ(unobserved, first) << threads;
    EXPECT_TRUE(std::equal(class_token.begin(), class_token.begin() + 192, first.begin())) << threads;
  }
  set_compute_threads(available_cores());
}

/// Fuses the heads of [H, N, N] one value at a time.
std::vector<float> naive_fusion(const std::vector<float>& weights, std::size_t heads, HeadFusion fusion) {
  const std::size_t size = weights.size() / heads;
  std::vector<float> fused(weights.begin(), weights.begin() + static_cast<std::ptrdiff_t>(size));
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t h = 1; h < heads; ++h) {
      const float value = weights[h * size + i];
      fused[i] = fusion == HeadFusion::kMean  ? fused[i] + value
                 : fusion == HeadFusion::kMax ? std::max(fused[i], value)
                                              : std::min(fused[i], value);
    }
    if (fusion == HeadFusion::kMean) fused[i] *= 1.0F / static_cast<float>(heads);
  }
  return fused;
}

TEST_P(AttentionProducts, FuseHeadsToTheBitAndLeaveRowsThatNobodyReadsZero) {
  for (const AttentionShape& shape : {AttentionShape{1, 1, 8}, AttentionShape{2, 3, 16}, AttentionShape{17, 2, 31},
                                      AttentionShape{130, 4, 16}, AttentionShape{197, 3, 64}}) {
    const auto& [tokens, heads, head_dim] = shape;
    const std::size_t matrix = tokens * tokens;
    const auto qkv = normal_values(tokens * 3 * heads * head_dim, 8);
    const auto bias = normal_values(heads * matrix, 9);
    std::vector<float> weights(heads * matrix);
    std::vector<float> out(tokens * heads * head_dim);
    Attention every_head(shape, GetParam());
    every_head(qkv, tokens, bias, out, weights);
    for (const int threads : {1, 2, 3}) {
      set_compute_threads(threads);
      Attention attention(shape, GetParam());
      for (const std::size_t queries : {std::size_t{1}, tokens}) {
        SCOPED_TRACE(testing::Message() << tokens << " tokens, " << queries << " queries, " << threads << " threads");
        std::vector<float> read = weights;  // as they are to come out
        for (std::size_t h = 0; h < heads; ++h) {
          std::fill_n(read.begin() + static_cast<std::ptrdiff_t>(h * matrix + queries * tokens),
                      (tokens - queries) * tokens, 0.0F);
        }
        const std::span<const float> read_out = std::span(out).first(queries * heads * head_dim);
        std::vector<float> own_out(out.size());
        const auto own_read_out = std::span<const float>(own_out).first(read_out.size());
        std::vector<float> own(heads * matrix, 7.0F);
        attention(qkv, queries, bias, own_out, own);
        EXPECT_EQ(own, read);
        EXPECT_TRUE(std::ranges::equal(own_read_out, read_out));
        for (const HeadFusion fusion : {HeadFusion::kMean, HeadFusion::kMax, HeadFusion::kMin}) {
          std::vector<float> fused(matrix, 7.0F);
          attention(qkv, queries, bias, own_out, fused, fusion);
          EXPECT_EQ(fused, naive_fusion(read, heads, fusion));
          EXPECT_TRUE(std::ranges::equal(own_read_out, read_out));
        }
      }
    }
  }
  set_compute_threads(available_cores());
}

INSTANTIATE_TEST_SUITE_P(Products, AttentionProducts, testing::Values(Precision::kF32, Precision::kBf16),
                         [](const auto& products) { return std::string(name(products.param)); });

TEST(MeasuredPeaks, ArePlausible) {
  EXPECT_GT(measure_fma_peak_gflops(1), 0.5);
  EXPECT_GT(measure_matmul_peak_gflops(1), 0.1);
  EXPECT_FALSE(machine_info().cpu.empty());
  EXPECT_GE(available_cores(), 1);
}

}  // namespace
}  // namespace fovea::nn
