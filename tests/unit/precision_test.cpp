// bfloat16 parts and the linear layers that are made of them, against the definition in double.
#include "fovea/precision.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/machine.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "nn/linear/bf16_parts.hpp"
#include "nn/linear/linear.hpp"
#include "support/bf16.hpp"
#include "support/forced_target.hpp"
#include "support/needs_precision.hpp"
#include "support/normal_values.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

using test::from_bf16;
using test::naive_bf16;
using test::normal_values;

TEST(SplitIntoBf16, TakesTheNearestNumberOfWhatIsLeftOnEachInstructionSet) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const test::ForcedTarget forced(target);
    for (const std::size_t size : {0U, 1U, 15U, 16U, 31U, 32U, 33U, 4095U, 4097U, 9000U}) {
      auto x = normal_values(size, 1, 30.0F);
      if (size > 15) {
        x[0] = 0.0F;
        x[1] = 1.00390625F;  // halfway, down to even
        x[2] = 1.01171875F;  // halfway, up to even
        x[3] = -std::numeric_limits<float>::infinity();
        x[4] = std::numeric_limits<float>::quiet_NaN();
        x[5] = std::bit_cast<float>(0x7FFFFFFFU);  // a NaN that rounding would carry over into -0
      }
      for (const std::size_t parts : {1U, 2U, 3U}) {
        std::vector<std::uint16_t> split(parts * size, 7);
        nn::split_into_bf16(x, parts, split.data(), size);
        for (std::size_t i = 0; i < size; ++i) {
          if (std::isnan(x[i])) {
            ASSERT_TRUE(std::isnan(from_bf16(split[i])));
            continue;
          }
          float rest = x[i];
          for (std::size_t part = 0; part < parts; ++part) {
            const float wanted = std::isinf(rest) ? rest : naive_bf16(rest);
            ASSERT_EQ(from_bf16(split[part * size + i]), wanted) << x[i] << ", " << hwy::TargetName(target);
            rest = std::isinf(wanted) ? 0.0F : rest - wanted;
          }
          if (parts == 3) {
            ASSERT_EQ(rest, 0.0F) << "three parts hold all 24 bits";
          }
        }
      }
    }
  }
}

class LinearPrecision : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override { FOVEA_NEEDS_PRECISION(GetParam()); }
  /// The relative error that is left of a product of two numbers.
  [[nodiscard]] static double error_of(Precision precision) {
    switch (precision) {
      case Precision::kF32:
      case Precision::kBf16x6: return 1e-6;
      case Precision::kBf16x3: return 4e-5;  // 3 · 2^-17 and the sum's own
      case Precision::kInt8: return 4e-2;    // of the row's largest: half a step of 127, twice
      case Precision::kBf16: break;
    }
    return 8e-3;  // 2 · 2^-9, twice
  }
};

TEST_P(LinearPrecision, LayersEqualTheDefinitionInDoubleForEveryRest) {
  nn::Workspace workspace;
  for (const std::size_t rows : {1U, 5U, 16U, 17U, 31U, 32U, 33U, 49U}) {
    for (const auto& [in, out] :
         {std::pair<std::size_t, std::size_t>{1, 1}, {15, 16}, {31, 33}, {32, 32}, {33, 65}, {48, 31}, {192, 64}}) {
      const auto weight = normal_values(out * in, 1);
      const auto bias = normal_values(out, 2);
      const auto x = normal_values(rows * in, 3);
      const auto packed = nn::pack_linear(GetParam(), MatrixView<const float>(weight, out, in), bias);
      std::vector<float> plain(rows * out, 5.0F);
      (*nn::make_linear(GetParam(), {rows, in, out}, workspace))(*packed, x, plain);
      std::vector<float> added(rows * out, 5.0F);
      (*nn::make_linear(GetParam(), {rows, in, out, true}, workspace))(*packed, x, added);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t o = 0; o < out; ++o) {
          double sum = double(bias[o]);
          double reach = std::fabs(sum) + 5;
          for (std::size_t i = 0; i < in; ++i) {
            const double product = double(x[r * in + i]) * double(weight[o * in + i]);
            sum += product;
            reach += std::fabs(product);
          }
          const double limit = error_of(GetParam()) * reach;
          ASSERT_NEAR(double(plain[r * out + o]), sum, limit);
          ASSERT_NEAR(double(added[r * out + o]), sum + 5, limit);
        }
      }
    }
  }
}

TEST_P(LinearPrecision, ARowIsTheSameToTheBitAmongAnyNumberOfRows) {
  nn::Workspace workspace;
  for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{48, 1}, {64, 33}, {256, 64}, {192, 192}}) {
    constexpr std::size_t kMost = 300;
    const auto x = normal_values(kMost * in, 1);
    const auto packed = nn::pack_linear(GetParam(), MatrixView<const float>(normal_values(out * in, 2), out, in),
                                        normal_values(out, 3));
    for (const bool accumulate : {false, true}) {
      std::vector<float> wanted(kMost * out, 5.0F);
      (*nn::make_linear(GetParam(), {kMost, in, out, accumulate}, workspace))(*packed, x, wanted);
      for (const std::size_t rows : {1U, 2U, 3U, 4U, 5U, 8U, 15U, 16U, 17U, 32U, 197U, 256U}) {
        std::vector<float> y(rows * out, 5.0F);
        (*nn::make_linear(GetParam(), {rows, in, out, accumulate}, workspace))(*packed, std::span(x).first(rows * in),
                                                                               y);
        EXPECT_TRUE(std::ranges::equal(y, std::span(wanted).first(y.size())))
            << rows << " rows, " << in << " to " << out << (accumulate ? ", added" : "");
      }
    }
  }
}

TEST_P(LinearPrecision, RowsThatAreHandedOverInAnyOrderAndToldOfOnce) {
  nn::Workspace workspace;
  constexpr std::size_t kRows = 11;
  constexpr std::size_t kIn = 48;
  constexpr std::size_t kOut = 33;
  const auto weight = normal_values(kOut * kIn, 1);
  const auto bias = normal_values(kOut, 2);
  const auto x = normal_values(kRows * kIn, 3);
  const auto packed = nn::pack_linear(GetParam(), MatrixView<const float>(weight, kOut, kIn), bias);
  const auto linear = nn::make_linear(GetParam(), {kRows, kIn, kOut}, workspace);
  std::vector<float> wanted(kRows * kOut);
  (*linear)(*packed, x, wanted);
  std::vector<float> y(wanted.size());
  (*linear)(*packed, normal_values(x.size(), 4), y);  // what is not handed over anew would show
  if (const nn::RowsDone hand_over = linear->packer(*packed, x)) {
    for (const auto& [first, count] : {std::pair<std::size_t, std::size_t>{7, 4}, {0, 1}, {1, 6}}) {
      hand_over(first, count);
    }
  }
  std::vector<int> told(kRows, 0);
  linear->multiply(*packed, x, y, [&](std::size_t first, std::size_t count) {
    for (std::size_t row = first; row < first + count; ++row) {
      ++told[row];
      for (std::size_t o = 0; o < kOut; ++o) EXPECT_EQ(y[row * kOut + o], wanted[row * kOut + o]);
    }
  });
  EXPECT_THAT(told, testing::Each(1));
}

TEST_P(LinearPrecision, TheBackwardPassMultipliesFromTheOtherSide) {
  if (GetParam() == Precision::kInt8) return;  // a model in int8 has its backward pass in float32
  nn::Workspace workspace;
  const auto weight = normal_values(33 * 48, 1);
  const auto packed =
      nn::pack_linear_backward(GetParam(), MatrixView<const float>(weight, 33, 48), std::vector<float>(33, 0.5F));
  const auto dy = normal_values(5 * 33, 2);
  std::vector<float> dx(5 * 48);
  (*nn::make_linear(GetParam(), {5, 33, 48}, workspace))(*packed, dy, dx);
  for (std::size_t r = 0; r < 5; ++r) {
    for (std::size_t i = 0; i < 48; ++i) {
      double sum = 0;
      double reach = 0;
      for (std::size_t o = 0; o < 33; ++o) {
        sum += double(dy[r * 33 + o]) * double(weight[o * 48 + i]);
        reach += std::fabs(double(dy[r * 33 + o]) * double(weight[o * 48 + i]));
      }
      ASSERT_NEAR(double(dx[r * 48 + i]), sum, error_of(GetParam()) * reach);
    }
  }
}

TEST_P(LinearPrecision, NoBitDependsOnTheBatchTheThreadsOrOnWhatIsObserved) {
  const auto model = VisionTransformer::random(test::tiny_vit({64, 64}, 8, 64, 3), 1, GetParam());
  const Architecture& a = model->architecture();
  const auto patches = normal_values(3 * a.grid().size() * a.patch_dim(), 1);
  const std::size_t one = patches.size() / 3;
  set_compute_threads(1);
  Session single(model, 1);
  ForwardRequest keep;
  keep.keep_for_gradients = true;
  for (const int threads : {1, 2, 3}) {
    set_compute_threads(threads);
    Session three(model, 3);
    const auto together = three.run(patches);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto image = std::span(patches).subspan(i * one, one);
      EXPECT_EQ(single.run(image).front(), together[i]) << threads << " threads, image " << i;
      EXPECT_EQ(single.forward(image, keep).front().logits, together[i]) << "kept for gradients";
    }
  }
  set_compute_threads(1);
}

INSTANTIATE_TEST_SUITE_P(Each, LinearPrecision, testing::ValuesIn(kPrecisions),
                         [](const auto& chosen) { return std::string(name(chosen.param)); });

}  // namespace
}  // namespace fovea
