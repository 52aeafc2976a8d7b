// Methods that read gradients, against full matrices in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/explain.hpp"
#include "support/naive_rollout.hpp"

namespace fovea {
namespace {

using Blocks = std::vector<std::vector<float>>;  // [H, N, N] each
using Matrix = std::vector<std::vector<double>>;

struct BlockEvidence {
  Blocks attention;
  Blocks gradients;
};

BlockEvidence random_evidence(const TokenLayout& layout, unsigned seed) {
  BlockEvidence evidence{test::random_attention(layout, seed), {}};
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (const auto& block : evidence.attention) {
    auto& gradient = evidence.gradients.emplace_back(block.size());
    for (float& value : gradient) value = normal(random);
  }
  return evidence;
}

/// E_h[(G ⊙ A)+]
Matrix positive_mean(const BlockEvidence& evidence, std::size_t block, const TokenLayout& layout) {
  const std::size_t n = layout.tokens();
  Matrix mean(n, std::vector<double>(n));
  for (std::size_t at = 0; at < evidence.attention[block].size(); ++at) {
    const double product = double{evidence.attention[block][at]} * double{evidence.gradients[block][at]};
    mean[at / n % n][at % n] += std::max(product, 0.0) / double(layout.num_heads);
  }
  return mean;
}

/// R of the paper, every product taken, and of it the mean of the read-out rows.
std::vector<double> naive(const BlockEvidence& evidence, const TokenLayout& layout, bool normalised,
                          std::size_t start) {
  const std::size_t n = layout.tokens();
  Matrix r(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) r[i][i] = 1;
  for (std::size_t block = start; block < layout.num_blocks; ++block) {
    Matrix a = positive_mean(evidence, block, layout);
    for (std::size_t i = 0; i < n; ++i) a[i][i] += 1;
    for (auto& row : a) {
      const double total = normalised ? std::accumulate(row.begin(), row.end(), 0.0) : 1;
      for (double& value : row) value /= total;
    }
    Matrix next(n, std::vector<double>(n));
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t j = 0; j < n; ++j) next[i][j] += a[i][k] * r[k][j];
      }
    }
    r = next;
  }
  std::vector<double> map(layout.grid.size());
  for (const ReadOutToken& read : layout.read_out) {
    for (std::size_t p = 0; p < map.size(); ++p) map[p] += double{read.weight} * r[read.token][layout.num_prefix + p];
  }
  return map;
}

void feed(Explainer& explainer, const BlockEvidence& evidence, const TokenLayout& layout, std::size_t start) {
  for (std::size_t block = layout.num_blocks; block-- > start;) {
    explainer.observe_gradient({block, layout.num_heads, layout.tokens(), evidence.attention[block]},
                               evidence.gradients[block]);
  }
}

void expect_near(const std::vector<float>& map, const std::vector<double>& expected) {
  ASSERT_EQ(map.size(), expected.size());
  const double largest = *std::max_element(expected.begin(), expected.end());
  ASSERT_GT(largest, 0);
  for (std::size_t i = 0; i < map.size(); ++i) ASSERT_NEAR(double{map[i]}, expected[i], 3e-6 * largest) << i;
}

const std::vector<TokenLayout> kLayouts{
    {.num_blocks = 1, .num_heads = 1, .num_prefix = 0, .grid = {1, 1}, .read_out = {{0, 1.0F}}},
    {.num_blocks = 2, .num_heads = 3, .num_prefix = 1, .grid = {3, 5}, .read_out = {{0, 1.0F}}},
    {.num_blocks = 3, .num_heads = 2, .num_prefix = 2, .grid = {2, 7}, .read_out = {{0, 0.5F}, {1, 0.5F}}},
    {.num_blocks = 4, .num_heads = 2, .num_prefix = 1, .grid = {3, 1}, .read_out = {{1, 0.5F}, {2, 0.25F}, {3, 0.25F}}},
};

TEST(GradientMethods, GenericAndGradientRolloutEqualTheProductOfMatrices) {
  for (const TokenLayout& layout : kLayouts) {
    for (std::size_t start = 0; start < layout.num_blocks; ++start) {
      const BlockEvidence evidence = random_evidence(layout, 3);
      ExplainOptions options;
      options.start_block = start;
      for (const bool normalised : {false, true}) {
        SCOPED_TRACE(testing::Message() << layout.tokens() << " tokens from block " << start << ", " << normalised);
        const auto explainer = explain_method(normalised ? "grad-rollout" : "generic").make(options, layout);
        feed(*explainer, evidence, layout, start);
        expect_near(explainer->heatmap().values, naive(evidence, layout, normalised, start));
      }
    }
  }
}

TEST(GradientMethods, AnAttentionPoolIsTheLastStepWithoutAResidual) {
  TokenLayout layout{.num_blocks = 2, .num_heads = 2, .num_prefix = 1, .grid = {2, 2}, .read_out = {}};
  const BlockEvidence evidence = random_evidence(layout, 4);
  const std::vector<float> weights{0.1F, 0.2F, 0.3F, 0.4F, 0.4F, 0.1F, 0.2F, 0.3F};  // [2, 4]: no prefix
  const std::vector<float> gradient{1, -1, 2, 1, -3, 2, 1, 1};
  const auto explainer = explain_method("generic").make({}, layout);
  explainer->observe_pool_gradient({weights, 2, 4}, {gradient, 2, 4});
  feed(*explainer, evidence, layout, 0);
  TokenLayout rows = layout;
  rows.read_out = {{1, 0.05F}, {2, 0.1F}, {3, 0.4F}, {4, 0.35F}};  // the pool's own (G ⊙ A)+, by hand
  expect_near(explainer->heatmap().values, naive(evidence, rows, false, 0));
}

TEST(GradientMethods, AreFedFromTheLastBlockOnAndCompletely) {
  const TokenLayout& layout = kLayouts[1];
  const BlockEvidence evidence = random_evidence(layout, 3);
  for (const char* method : {"generic", "grad-rollout", "legrad"}) {
    const auto explainer = explain_method(method).make({}, layout);
    EXPECT_THROW((void)explainer->heatmap(), Error) << method;
    const AttentionView first{0, layout.num_heads, layout.tokens(), evidence.attention[0]};
    if (std::string(method) == "legrad") {
      EXPECT_THROW(explainer->observe_layer_gradient(first, evidence.gradients[0]), Error);
    } else {
      EXPECT_THROW(explainer->observe_gradient(first, evidence.gradients[0]), Error);
      const AttentionView last{1, layout.num_heads, layout.tokens(), evidence.attention[1]};
      EXPECT_THROW(explainer->observe_gradient(last, std::span(evidence.gradients[1]).first(5)), Error);
    }
    ExplainOptions options;
    options.start_block = 2;
    EXPECT_THROW((void)explain_method(method).make(options, layout), Error) << method;
  }
}

TEST(GradientMethods, LeGradIsTheMeanPositiveGradientOverHeadsAndQueriesSummedOverBlocks) {
  for (const TokenLayout& layout : kLayouts) {
    const BlockEvidence evidence = random_evidence(layout, 5);
    const std::size_t n = layout.tokens();
    std::vector<double> expected(layout.grid.size());
    const auto explainer = explain_method("legrad").make({}, layout);
    for (std::size_t block = layout.num_blocks; block-- > 0;) {
      explainer->observe_layer_gradient({block, layout.num_heads, n, evidence.attention[block]},
                                        evidence.gradients[block]);
      for (std::size_t at = 0; at < evidence.gradients[block].size(); ++at) {
        if (at % n < layout.num_prefix) continue;
        expected[at % n - layout.num_prefix] +=
            std::max(double{evidence.gradients[block][at]}, 0.0) / double(layout.num_heads * n);
      }
    }
    expect_near(explainer->heatmap().values, expected);
  }
}

TEST(GradientMethods, GradCamWeighsFeaturesByTheirMeanGradientAndKeepsThePositivePart) {
  const TokenLayout layout{.num_blocks = 1, .num_heads = 1, .num_prefix = 1, .grid = {1, 3}, .read_out = {{0, 1.0F}}};
  const std::vector<float> features{9, 9, 1, 2, 3, -4, -1, 0};  // [4, 2]: the class token, then patches
  const std::vector<float> gradient{7, 7, 1, 0, 2, 1, 3, -4};   // mean over patches: 2, -1
  const auto explainer = explain_method("grad-cam").make({}, layout);
  EXPECT_THROW((void)explainer->heatmap(), Error);
  EXPECT_THROW(explainer->observe_features({features, 2, 4}, {gradient, 2, 4}), Error);
  explainer->observe_features({features, 4, 2}, {gradient, 4, 2});
  EXPECT_EQ(explainer->heatmap().values, (std::vector<float>{0, 10, 0}));
}

}  // namespace
}  // namespace fovea
