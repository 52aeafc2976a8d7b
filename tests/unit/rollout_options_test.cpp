// Rollout's options and the programs that it can stand in for, against full matrices in double, written from what
// those programs do.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/explain.hpp"
#include "support/naive_rollout.hpp"

namespace fovea {
namespace {

using Matrix = std::vector<std::vector<double>>;  // [N, N]
using Blocks = std::vector<std::vector<float>>;

Matrix fused_heads(const std::vector<float>& block, const TokenLayout& layout, HeadFusion fusion) {
  const std::size_t n = layout.tokens();
  Matrix fused(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      std::vector<double> heads;
      for (std::size_t h = 0; h < layout.num_heads; ++h) heads.push_back(double{block[(h * n + i) * n + j]});
      fused[i][j] = fusion == HeadFusion::kMean
                        ? std::accumulate(heads.begin(), heads.end(), 0.0) / double(layout.num_heads)
                    : fusion == HeadFusion::kMax ? *std::max_element(heads.begin(), heads.end())
                                                 : *std::min_element(heads.begin(), heads.end());
    }
  }
  return fused;
}

Matrix product(const Matrix& a, const Matrix& b) {
  const std::size_t n = a.size();
  Matrix c(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t k = 0; k < n; ++k) c[i][j] += a[i][k] * b[k][j];
    }
  }
  return c;
}

double sum(const std::vector<double>& row) {
  return std::accumulate(row.begin(), row.end(), 0.0);
}

/// R = Ã_{L-1} … Ã_start, and of it the first row without the prefix.
std::vector<double> naive(const Blocks& blocks, const TokenLayout& layout, HeadFusion fusion, std::size_t start,
                          const std::function<void(Matrix&)>& step) {
  const std::size_t n = layout.tokens();
  Matrix result(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) result[i][i] = 1;
  for (std::size_t block = start; block < blocks.size(); ++block) {
    Matrix a = fused_heads(blocks[block], layout, fusion);
    step(a);
    result = product(a, result);
  }
  return {result[0].begin() + std::ptrdiff_t(layout.num_prefix), result[0].end()};
}

void mix(Matrix& a, double residual) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a.size(); ++j) a[i][j] = (1 - residual) * a[i][j] + (i == j ? residual : 0);
  }
}

void divide_rows(Matrix& a) {
  for (auto& row : a) {
    const double total = sum(row);
    for (double& value : row) value /= total;
  }
}

std::vector<float> rollout(const Blocks& blocks, const TokenLayout& layout, const ExplainOptions& options) {
  const auto explainer = explain_method("rollout").make(options, layout);
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    explainer->observe({block, layout.num_heads, layout.tokens(), blocks[block]});
  }
  return explainer->heatmap().values;
}

void expect_all_near(const std::vector<float>& map, const std::vector<double>& expected) {
  ASSERT_EQ(map.size(), expected.size());
  const double largest = *std::max_element(expected.begin(), expected.end());
  ASSERT_GT(largest, 0);
  for (std::size_t i = 0; i < map.size(); ++i) ASSERT_NEAR(double{map[i]}, expected[i], 2e-6 * largest) << i;
}

const TokenLayout kTwoByTwo{.num_blocks = 4, .num_heads = 3, .num_prefix = 2, .grid = {3, 5}, .read_out = {{0, 1.0F}}};

class RolloutOptions : public testing::TestWithParam<HeadFusion> {
 protected:
  void SetUp() override { options_.head_fusion = GetParam(); }
  Blocks blocks_ = test::random_attention(kTwoByTwo, 5);
  ExplainOptions options_;
};

TEST_P(RolloutOptions, ResidualAndStartBlockAreWhatTheySay) {
  options_.residual = 0.3F;
  options_.start_block = 2;
  expect_all_near(rollout(blocks_, kTwoByTwo, options_),
                  naive(blocks_, kTwoByTwo, GetParam(), 2, [](Matrix& a) { mix(a, 0.3F); }));
}

TEST_P(RolloutOptions, RenormalizeDividesRowsByTheirSums) {
  options_.renormalize = true;
  expect_all_near(rollout(blocks_, kTwoByTwo, options_), naive(blocks_, kTwoByTwo, GetParam(), 0, [](Matrix& a) {
                    mix(a, 0.5);
                    divide_rows(a);
                  }));
}

TEST_P(RolloutOptions, DiscardSparesThePrefixAndRenormalises) {
  options_.discard = 0.4F;  // 6 of 15 patches
  expect_all_near(rollout(blocks_, kTwoByTwo, options_), naive(blocks_, kTwoByTwo, GetParam(), 0, [](Matrix& a) {
                    for (auto& row : a) {
                      std::vector<double> sorted(row.begin() + 2, row.end());
                      std::sort(sorted.begin(), sorted.end());
                      for (std::size_t j = 2; j < row.size(); ++j) row[j] = row[j] < sorted[6] ? 0 : row[j];
                    }
                    mix(a, 0.5);
                    divide_rows(a);
                  }));
}

TEST_P(RolloutOptions, AsVitExplainDiscardsOfTheWholeMatrixAndDividesColumns) {
  options_.compat = RolloutCompat::kVitExplain;
  const auto expected_for = [&](double discard) {
    std::vector<double> map = naive(blocks_, kTwoByTwo, GetParam(), 0, [&](Matrix& a) {
      const std::size_t n = a.size();
      std::vector<double> sorted;
      for (const auto& row : a) sorted.insert(sorted.end(), row.begin(), row.end());
      std::sort(sorted.begin(), sorted.end());
      const double least = sorted[std::size_t(double(n * n) * discard)];
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          if (i + j > 0 && a[i][j] < least) a[i][j] = 0;  // only the first entry is spared
        }
      }
      mix(a, 0.5);
      std::vector<double> sums;
      for (const auto& row : a) sums.push_back(sum(row));
      for (auto& row : a) {
        for (std::size_t j = 0; j < n; ++j) row[j] /= sums[j];  // a / a.sum(-1), without keepdim
      }
    });
    const double largest = *std::max_element(map.begin(), map.end());
    for (double& value : map) value /= largest;
    return map;
  };
  expect_all_near(rollout(blocks_, kTwoByTwo, options_), expected_for(0.9F));
  options_.discard = 0.5F;
  expect_all_near(rollout(blocks_, kTwoByTwo, options_), expected_for(0.5));
}

INSTANTIATE_TEST_SUITE_P(Heads, RolloutOptions, testing::Values(HeadFusion::kMean, HeadFusion::kMax, HeadFusion::kMin));

TEST(RolloutCompat, ChefersBaselineAddsTheIdentityAndDividesRows) {
  const Blocks blocks = test::random_attention(kTwoByTwo, 6);
  ExplainOptions options;
  options.compat = RolloutCompat::kChefer;
  options.start_block = 1;
  expect_all_near(rollout(blocks, kTwoByTwo, options), naive(blocks, kTwoByTwo, HeadFusion::kMean, 1, [](Matrix& a) {
                    for (std::size_t i = 0; i < a.size(); ++i) a[i][i] += 1;
                    divide_rows(a);
                  }));
}

std::string refusal(const ExplainOptions& options) {
  try {
    (void)explain_method("rollout").make(options, kTwoByTwo);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return error.what();
  }
  return "";
}

TEST(RolloutCompat, RefusesWhatTheOtherProgramCannotDo) {
  ExplainOptions options;
  options.compat = RolloutCompat::kChefer;
  options.discard = 0.5F;
  EXPECT_EQ(refusal(options), "rollout: --compat chefer has no --discard");
  options.compat = RolloutCompat::kVitExplain;
  EXPECT_EQ(refusal(options), "");
  options.residual = 0.2F;
  EXPECT_EQ(refusal(options), "rollout: --compat vit-explain has no --residual");
  options = {};
  options.start_block = 4;
  EXPECT_EQ(refusal(options), "rollout: start block is 4, expected 0 to 3");
}

TEST(RolloutCompat, IsNamedInTheVariant) {
  ExplainOptions options;
  options.discard = 0.5F;
  EXPECT_EQ(explain_method("rollout").variant(options), "mean heads, residual 0.5, discard 0.5 of a row");
  options.compat = RolloutCompat::kVitExplain;
  EXPECT_EQ(explain_method("rollout").variant(options), "mean heads, as vit-explain, discard 0.5");
  options = {};
  options.compat = RolloutCompat::kChefer;
  options.start_block = 3;
  EXPECT_EQ(explain_method("rollout").variant(options), "mean heads, as chefer, from block 3");
}

}  // namespace
}  // namespace fovea
