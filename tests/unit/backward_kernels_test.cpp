// The backward pass of each operation against its definition in double, or against finite differences of the forward
// pass.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "nn/attention/attention.hpp"
#include "nn/attention/attention_backward.hpp"
#include "nn/attention/attention_kernels.hpp"
#include "nn/kernels/activation.hpp"
#include "nn/kernels/dot_kernels.hpp"
#include "nn/kernels/norm_kernels.hpp"
#include "nn/linear/linear.hpp"
#include "support/forced_target.hpp"
#include "support/normal_values.hpp"

namespace fovea::nn {
namespace {

using test::normal_values;

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

/// Central differences of `score` at a few places of x, against `gradient`.
void expect_derivative(const std::function<double(std::span<const float>)>& score, std::vector<float> x,
                       std::span<const float> gradient, double tolerance) {
  ASSERT_EQ(x.size(), gradient.size());
  constexpr float kStep = 1e-2F;
  const std::size_t stride = std::max<std::size_t>(1, x.size() / 61);
  for (std::size_t i = 0; i < x.size(); i += stride) {
    const float middle = x[i];
    x[i] = middle + kStep;
    const double above = score(x);
    x[i] = middle - kStep;
    const double below = score(x);
    x[i] = middle;
    ASSERT_NEAR(double(gradient[i]), (above - below) / (2.0 * double(kStep)), tolerance) << "at " << i;
  }
}

TEST(DotRows, EqualsTheDefinitionForEverySizeAndInstructionSet) {
  for (std::int64_t left = HWY_TARGETS & hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const test::ForcedTarget forced(left & -left);
    for (const std::size_t features : {1U, 7U, 8U, 15U, 16U, 17U, 33U, 192U}) {
      for (const std::size_t rows : {1U, 5U, 32U, 33U, 197U}) {
        const auto a = normal_values(rows * features, 1);
        const auto b = normal_values(rows * (features + 3), 2);
        std::vector<double> dots(rows);
        dot_rows(features, {a.data(), features}, {b.data(), features + 3}, dots);
        std::vector<double> of_one_row(rows);
        dot_rows(features, {a.data(), 0}, {b.data(), features + 3}, of_one_row);
        for (std::size_t r = 0; r < rows; ++r) {
          const auto row = std::span(b).subspan(r * (features + 3), features);
          ASSERT_NEAR(dots[r], dot(std::span(a).subspan(r * features, features), row), 1e-12)
              << rows << "x" << features;
          ASSERT_NEAR(of_one_row[r], dot(std::span(a).first(features), row), 1e-12) << rows << "x" << features;
        }
      }
    }
  }
}

TEST(MultiplyTransposed, EqualsTheDefinitionForEverySizeAndInstructionSet) {
  for (std::int64_t left = HWY_TARGETS & hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const test::ForcedTarget forced(left & -left);
    for (const std::size_t rows : {1U, 5U, 6U, 7U, 13U}) {
      for (const std::size_t depth : {1U, 2U, 31U}) {
        for (const std::size_t cols : {1U, 15U, 16U, 17U, 33U}) {
          const auto a = normal_values(depth * (rows + 3), 1);
          const auto b = normal_values(depth * (cols + 5), 2);
          std::vector<float> y(rows * cols);
          multiply_transposed({rows, depth, cols}, 0.5F, {a.data(), rows + 3}, {b.data(), cols + 5}, {y.data(), cols});
          for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t c = 0; c < cols; ++c) {
              double sum = 0;
              for (std::size_t k = 0; k < depth; ++k)
                sum += double(a[k * (rows + 3) + r]) * double(b[k * (cols + 5) + c]);
              ASSERT_NEAR(double(y[r * cols + c]), 0.5 * sum, 1e-5) << rows << "x" << depth << "x" << cols;
            }
          }
        }
      }
    }
  }
}

TEST(SoftmaxBackwardRows, EqualsTheDefinitionForEveryWidthAndInstructionSet) {
  for (std::int64_t left = HWY_TARGETS & hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const test::ForcedTarget forced(left & -left);
    for (const std::size_t cols : {1U, 2U, 15U, 16U, 17U, 31U, 32U, 33U, 197U}) {
      auto p = normal_values(3 * cols, 1);
      softmax_rows(p.size() / cols, cols, {p.data(), cols});
      const auto g = normal_values(3 * cols, 2);
      std::vector<float> result(3 * cols);
      softmax_backward_rows(3, cols, {p.data(), cols}, {g.data(), cols}, {result.data(), cols});
      for (std::size_t r = 0; r < 3; ++r) {
        const double sum = dot(std::span(p).subspan(r * cols, cols), std::span(g).subspan(r * cols, cols));
        for (std::size_t i = r * cols; i < (r + 1) * cols; ++i) {
          ASSERT_NEAR(double(result[i]), double(p[i]) * (double(g[i]) - sum), 1e-6) << cols;
        }
      }
    }
  }
}

TEST(NormalizeBackward, EqualsFiniteDifferencesAndAddsToWhatIsThere) {
  for (std::int64_t left = HWY_TARGETS & hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const test::ForcedTarget forced(left & -left);
    for (const NormKind kind : {NormKind::kLayer, NormKind::kRms}) {
      for (const std::size_t features : {2U, 15U, 16U, 17U, 48U}) {
        const NormShape shape{kind, 3, features, 1e-6F};
        const auto weight = normal_values(features, 1);
        const std::vector<float> bias(kind == NormKind::kLayer ? features : 0, 0.25F);
        const auto x = normal_values(3 * features, 2, 4.0F);
        const auto dy = normal_values(3 * features, 3);
        std::vector<float> dx(3 * features, 1.0F);
        normalize_backward(shape, Gradients::kTrue, weight, {x.data(), features}, {dy.data(), features},
                           {dx.data(), features});
        for (float& value : dx) value -= 1.0F;
        SCOPED_TRACE(features);
        ASSERT_NO_FATAL_FAILURE(expect_derivative(
            [&](std::span<const float> at) {
              std::vector<float> y(at.size());
              normalize(shape, weight, bias, {at.data(), features}, {y.data(), features});
              return dot(y, dy);
            },
            x, dx, 5e-3));
      }
    }
  }
}

TEST(SiluGateBackward, EqualsFiniteDifferences) {
  for (const std::size_t features : {1U, 15U, 16U, 33U}) {
    const auto x = normal_values(3 * 2 * features, 1);
    const auto dy = normal_values(3 * features, 2);
    std::vector<float> dx(x.size());
    silu_gate_backward(Gradients::kTrue, 3, features, x, dy, dx);
    ASSERT_NO_FATAL_FAILURE(expect_derivative(
        [&](std::span<const float> at) {
          std::vector<float> y(dy.size());
          silu_gate(3, features, at, y);
          return dot(y, dy);
        },
        x, dx, 2e-3));
  }
}

constexpr Activation kActivations[] = {Activation::kGelu, Activation::kGeluTanh, Activation::kQuickGelu,
                                       Activation::kSilu};

/// As its authors wrote it.
double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone: break;
    case Activation::kGelu: return x / 2 * std::erfc(-x / std::numbers::sqrt2);
    case Activation::kGeluTanh:
      return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::kQuickGelu: return x / (1 + std::exp(-1.702 * x));
    case Activation::kSilu: return x / (1 + std::exp(-x));
  }
  return x;
}

/// `size` values, some of them where the functions bend, end or could overflow.
std::vector<float> activation_inputs(std::size_t size) {
  auto x = normal_values(size, 1, 3.0F);
  const std::vector special{0.0F, -0.0F, 6.4F, -6.4F, 6.6F, -6.6F, 13.1F, -13.1F, 40.0F, -40.0F, 1e30F, -1e30F};
  if (size > special.size()) std::copy(special.begin(), special.end(), x.begin());
  return x;
}

TEST(Activate, EqualsTheDefinitionsInDoubleOnEachInstructionSet) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const test::ForcedTarget forced(target);
    for (const Activation kind : kActivations) {
      for (const std::size_t size : {0U, 1U, 15U, 16U, 31U, 32U, 1023U, 1025U, 4100U}) {
        const auto x = activation_inputs(size);
        std::vector<float> y(size);
        activate(kind, Precision::kF32, x, y);
        for (std::size_t i = 0; i < size; ++i) {
          ASSERT_NEAR(double(y[i]), activated(kind, double(x[i])), 2e-7 * std::max(1.0, std::abs(double(x[i]))))
              << name(kind) << " of " << x[i] << ", " << hwy::TargetName(target);
        }
        auto in_place = x;
        activate(kind, Precision::kF32, in_place, in_place);
        ASSERT_EQ(in_place, y);
      }
      // Far to the left x Φ(x) is small, and right in its own digits.
      const std::vector left{-1.0F, -2.0F, -3.0F, -4.0F, -5.0F, -6.0F};
      std::vector<float> y(left.size());
      activate(kind, Precision::kF32, left, y);
      for (std::size_t i = 0; i < left.size() && kind != Activation::kGeluTanh; ++i) {
        const double wanted = activated(kind, double(left[i]));
        ASSERT_NEAR(double(y[i]), wanted, 6e-5 * std::abs(wanted)) << name(kind) << " of " << left[i];
      }
      const std::vector<float> broken(17, std::numeric_limits<float>::quiet_NaN());
      std::vector<float> still(17);
      activate(kind, Precision::kF32, broken, still);
      for (const float value : still) ASSERT_TRUE(std::isnan(value)) << name(kind) << hwy::TargetName(target);
    }
  }
}

TEST(Activate, IsRightToTheDigitsOfItsReaderOnEachInstructionSet) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const test::ForcedTarget forced(target);
    for (const Activation kind : kActivations) {
      for (const Precision reader : {Precision::kBf16, Precision::kInt8}) {
        const auto x = activation_inputs(4100);
        std::vector<float> y(x.size());
        activate(kind, reader, x, y);
        for (std::size_t i = 0; i < x.size(); ++i) {
          ASSERT_NEAR(double(y[i]), activated(kind, double(x[i])), 1.2e-4 + 2e-7 * std::abs(double(x[i])))
              << name(kind) << " of " << x[i] << ", " << hwy::TargetName(target);
        }
      }
      // Three bfloat16 parts hold all digits of a float, two all but those.
      for (const Precision reader : {Precision::kBf16x3, Precision::kBf16x6}) {
        const auto x = activation_inputs(100);
        std::vector<float> y(x.size());
        std::vector<float> exact(x.size());
        activate(kind, reader, x, y);
        activate(kind, Precision::kF32, x, exact);
        ASSERT_EQ(y, exact);
      }
      const std::vector<float> broken(17, std::numeric_limits<float>::quiet_NaN());
      std::vector<float> still(17);
      activate(kind, Precision::kInt8, broken, still);
      for (const float value : still) ASSERT_TRUE(std::isnan(value)) << name(kind) << hwy::TargetName(target);
    }
  }
}

TEST(ActivateBackward, EqualsTheDifferencesOfTheDefinitionsOnEachInstructionSet) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const test::ForcedTarget forced(target);
    for (const Activation kind : kActivations) {
      for (const std::size_t size : {0U, 1U, 15U, 16U, 31U, 32U, 1023U, 1025U, 4100U}) {
        const auto x = activation_inputs(size);
        const auto dy = normal_values(size, 2);
        std::vector<float> dx(size);
        activate_backward(kind, Gradients::kTrue, x, dy, dx);
        for (std::size_t i = 0; i < size; ++i) {
          const double at = double(x[i]);
          const double step = 1e-5 * std::max(1.0, std::abs(at));
          const double slope = (activated(kind, at + step) - activated(kind, at - step)) / (2 * step);
          ASSERT_NEAR(double(dx[i]), double(dy[i]) * slope, 1e-6 * std::abs(double(dy[i])))
              << name(kind) << " at " << x[i] << ", " << hwy::TargetName(target);
        }
      }
    }
  }
}

TEST(LibraGradients, MultiplyEachActivationsInputToItsOutput) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const test::ForcedTarget forced(target);
    for (const Activation kind : kActivations) {
      const auto x = activation_inputs(1025);
      const std::vector<float> ones(x.size(), 1.0F);
      std::vector<float> gate(x.size());
      activate_backward(kind, Gradients::kLibra, x, ones, gate);
      for (std::size_t i = 0; i < x.size(); ++i) {
        ASSERT_NEAR(double(gate[i]) * double(x[i]), activated(kind, double(x[i])),
                    2e-7 * std::max(1.0, std::abs(double(x[i]))))
            << name(kind) << " at " << x[i] << ", " << hwy::TargetName(target);
      }
    }
  }
}

TEST(LibraGradients, MultiplyAGatesTwoInputsToItsOutputByHalves) {
  for (const std::size_t features : {1U, 15U, 16U, 33U}) {
    const auto x = normal_values(3 * 2 * features, 1);
    const auto dy = normal_values(3 * features, 2);
    std::vector<float> y(dy.size());
    std::vector<float> dx(x.size());
    silu_gate(3, features, x, y);
    silu_gate_backward(Gradients::kLibra, 3, features, x, dy, dx);
    ASSERT_NEAR(dot(x, dx), dot(y, dy), 1e-5);
  }
}

TEST(LibraGradients, MultiplyANormsInputToItsOutputWithoutItsBias) {
  for (const NormKind kind : {NormKind::kLayer, NormKind::kRms}) {
    for (const std::size_t features : {2U, 15U, 16U, 17U, 48U}) {
      const NormShape shape{kind, 3, features, 1e-6F};
      const auto weight = normal_values(features, 1);
      const auto x = normal_values(3 * features, 2, 4.0F);
      const auto dy = normal_values(3 * features, 3);
      std::vector<float> y(x.size());
      std::vector<float> dx(x.size(), 0.0F);
      normalize(shape, weight, {}, {x.data(), features}, {y.data(), features});
      normalize_backward(shape, Gradients::kLibra, weight, {x.data(), features}, {dy.data(), features},
                         {dx.data(), features});
      ASSERT_NEAR(dot(x, dx), dot(y, dy), 1e-4) << features;
    }
  }
}

TEST(PackLinearBackward, MultipliesByTheWeightFromTheOtherSide) {
  Workspace workspace;
  const auto weight = normal_values(33 * 48, 1);
  const auto packed =
      pack_linear_backward(Precision::kF32, MatrixView<const float>(weight, 33, 48), std::vector<float>(33, 0.5F));
  const auto dy = normal_values(5 * 33, 2);
  std::vector<float> dx(5 * 48);
  (*make_linear(Precision::kF32, {5, 33, 48}, workspace))(*packed, dy, dx);
  for (std::size_t r = 0; r < 5; ++r) {
    for (std::size_t i = 0; i < 48; ++i) {
      double sum = 0;
      for (std::size_t o = 0; o < 33; ++o) sum += double(dy[r * 33 + o]) * double(weight[o * 48 + i]);
      ASSERT_NEAR(double(dx[r * 48 + i]), sum, 1e-4);
    }
  }
}

TEST(AttentionBackward, EqualsFiniteDifferencesForAnyNumberOfQueriesThatAreRead) {
  for (const auto& [tokens, heads, dim] :
       {std::tuple<std::size_t, std::size_t, std::size_t>{7, 2, 8}, {17, 3, 16}, {65, 2, 16}}) {
    for (const std::size_t queries : {std::size_t{1}, std::size_t{2}, tokens}) {
      const AttentionShape shape{tokens, heads, dim};
      const std::size_t width = heads * dim;
      const auto qkv = normal_values(tokens * 3 * width, 1);
      const auto d_out = normal_values(queries * width, 2);
      Attention attention(shape);
      std::vector<float> weights(heads * tokens * tokens);
      std::vector<float> out(tokens * width);
      attention(qkv, tokens, {}, out, weights);
      AttentionBackward backward(shape);
      std::vector<float> gradient(weights.size(), 9.0F);
      std::vector<float> d_qkv(qkv.size(), 9.0F);
      backward.weights(qkv, queries, d_out, gradient);
      backward.inputs(qkv, weights, queries, d_out, gradient, d_qkv);
      SCOPED_TRACE(testing::Message() << tokens << " tokens, " << queries << " read");
      for (std::size_t h = 0; h < heads; ++h) {
        for (std::size_t i = 0; i < tokens; ++i) {
          for (std::size_t j = 0; j < tokens; ++j) {
            double sum = 0;
            for (std::size_t c = 0; i < queries && c < dim; ++c) {
              sum += double(d_out[i * width + h * dim + c]) * double(qkv[j * 3 * width + 2 * width + h * dim + c]);
            }
            ASSERT_NEAR(double(gradient[(h * tokens + i) * tokens + j]), sum, 1e-4);
          }
        }
      }
      ASSERT_NO_FATAL_FAILURE(expect_derivative(
          [&, count = tokens](std::span<const float> at) {
            std::vector<float> y(count * width);
            attention(at, count, {}, y, {});
            return dot(std::span(y).first(queries * width), d_out);
          },
          qkv, d_qkv, 5e-3));
    }
  }
}

}  // namespace
}  // namespace fovea::nn
