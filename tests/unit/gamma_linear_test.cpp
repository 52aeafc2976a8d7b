// LRP-γ through one linear layer, beside zennit's rule with its eight products, in double.
#include "model/backward/gamma_linear.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/normal_values.hpp"

namespace fovea {
namespace {

using test::normal_values;

struct Case {
  std::size_t rows;
  std::size_t in;
  std::size_t out;
  std::vector<float> weight = normal_values(out * in, 1);
  std::vector<float> bias = normal_values(out, 2);
  std::vector<float> x = normal_values(rows * in, 3);
  std::vector<float> d_y = normal_values(rows * out, 4);
};

/// R_x / x of zennit's Gamma rule: positive outputs share among the parts whose products are positive, 1 + γ of each of
/// these and 1 of all others; negative outputs likewise.
std::vector<double> zennit_rule(const Case& c, double gamma) {
  std::vector<double> d_x(c.rows * c.in, 0.0);
  for (std::size_t row = 0; row < c.rows; ++row) {
    for (std::size_t o = 0; o < c.out; ++o) {
      const auto part = [&](std::size_t i) { return double(c.x[row * c.in + i]) * double(c.weight[o * c.in + i]); };
      const double b = double(c.bias[o]);
      double y = b;
      for (std::size_t i = 0; i < c.in; ++i) y += part(i);
      const double sign = y > 0 ? 1.0 : -1.0;
      double total = y + gamma * sign * std::max(sign * b, 0.0);
      for (std::size_t i = 0; i < c.in; ++i) total += gamma * sign * std::max(sign * part(i), 0.0);
      const double relevance = double(c.d_y[row * c.out + o]) * y;
      for (std::size_t i = 0; i < c.in; ++i) {
        const double favoured = sign * part(i) > 0 ? 1.0 + gamma : 1.0;
        d_x[row * c.in + i] += favoured * double(c.weight[o * c.in + i]) * relevance / total;
      }
    }
  }
  return d_x;
}

std::vector<float> gamma_linear(const Case& c, BackwardMode& mode) {
  nn::Workspace workspace;
  const MatrixView<const float> weight(c.weight, c.out, c.in);
  std::vector<float> sizes = c.weight;
  std::vector<float> bias_sizes = c.bias;
  for (float& value : sizes) value = std::abs(value);
  for (float& value : bias_sizes) value = std::abs(value);
  const MatrixView<const float> absolute(sizes, c.out, c.in);
  const auto forward = nn::pack_linear(Precision::kF32, weight, c.bias);
  const auto backward = nn::pack_linear_backward(Precision::kF32, weight, c.bias);
  const AbsoluteLayer of_sizes{nn::pack_linear(Precision::kF32, absolute, bias_sizes),
                               nn::pack_linear_backward(Precision::kF32, absolute, bias_sizes)};
  GammaLinear layer(Precision::kF32, Precision::kF32, c.rows, c.in, c.out, workspace);
  std::vector<float> d_x(c.x.size());
  layer({*forward, *backward, of_sizes}, c.x, c.d_y, d_x, mode);
  return d_x;
}

TEST(GammaLinear, EqualsTheRuleWithEightProductsForEverySize) {
  for (const std::size_t rows : {1U, 3U, 16U}) {
    for (const std::size_t in : {1U, 15U, 16U, 31U, 48U}) {
      for (const std::size_t out : {1U, 15U, 16U, 32U, 33U}) {
        for (const float gamma : {0.0F, 0.05F, 1.0F, 100.0F}) {
          const Case c{rows, in, out};
          BackwardMode mode{Gradients::kLibra, gamma};
          const std::vector<float> d_x = gamma_linear(c, mode);
          const std::vector<double> expected = zennit_rule(c, double(gamma));
          for (std::size_t i = 0; i < d_x.size(); ++i) {
            ASSERT_NEAR(double(d_x[i]), expected[i], 2e-4 * (1.0 + std::abs(expected[i])))
                << rows << " " << in << " " << out << ", gamma " << gamma;
          }
        }
      }
    }
  }
}

TEST(GammaLinear, LosesNothing) {
  for (const float gamma : {0.0F, 0.05F, 1.0F}) {
    const Case c{5, 33, 17};
    BackwardMode mode{Gradients::kLibra, gamma};
    const std::vector<float> d_x = gamma_linear(c, mode);
    double before = mode.biases;
    for (std::size_t i = 0; i < d_x.size(); ++i) before += double(d_x[i]) * double(c.x[i]);
    double after = 0;
    for (std::size_t row = 0; row < c.rows; ++row) {
      for (std::size_t o = 0; o < c.out; ++o) {
        double y = double(c.bias[o]);
        for (std::size_t i = 0; i < c.in; ++i) y += double(c.x[row * c.in + i]) * double(c.weight[o * c.in + i]);
        after += y * double(c.d_y[row * c.out + o]);
      }
    }
    EXPECT_NEAR(before, after, 1e-4 * std::abs(after)) << gamma;
  }
}

TEST(GammaLinear, GivesNothingToAnOutputThatIsZero) {
  Case c{2, 3, 2};
  std::fill(c.x.begin(), c.x.end(), 0.0F);
  std::fill(c.bias.begin(), c.bias.end(), 0.0F);
  BackwardMode mode{Gradients::kLibra, 0.05F};
  for (const float value : gamma_linear(c, mode)) EXPECT_EQ(value, 0.0F);
  EXPECT_EQ(mode.biases, 0.0);
}

}  // namespace
}  // namespace fovea
