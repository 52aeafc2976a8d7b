#include <gmock/gmock.h>
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

using test::naive_rollout;
using test::random_attention;

Heatmap rollout(const TokenLayout& layout, const std::vector<std::vector<float>>& blocks, HeadFusion fusion) {
  const auto explainer = explain_method("rollout").make(test::with_heads(fusion), layout);
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    explainer->observe({block, layout.num_heads, layout.tokens(), blocks[block]});
  }
  return explainer->heatmap();
}

std::string error_of(const std::function<void()>& act, ErrorCode code) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  return "no error";
}

TEST(Rollout, EqualsTheProductOfMatricesForAnySizeAndHeadFusion) {
  const std::vector<TokenLayout> layouts{
      {.num_blocks = 1, .num_heads = 1, .num_prefix = 0, .grid = {1, 1}, .read_out = {{0, 1.0F}}},
      {.num_blocks = 1, .num_heads = 3, .num_prefix = 1, .grid = {2, 3}, .read_out = {{0, 1.0F}}},
      {.num_blocks = 2, .num_heads = 1, .num_prefix = 1, .grid = {1, 15}, .read_out = {{0, 1.0F}}},
      {.num_blocks = 3, .num_heads = 2, .num_prefix = 2, .grid = {5, 3}, .read_out = {{1, 1.0F}}},
      {.num_blocks = 4, .num_heads = 6, .num_prefix = 5, .grid = {3, 9}, .read_out = {{31, 1.0F}}},
      {.num_blocks = 12, .num_heads = 3, .num_prefix = 1, .grid = {7, 7}, .read_out = {{0, 1.0F}}},
  };
  for (const TokenLayout& layout : layouts) {
    for (const HeadFusion fusion : {HeadFusion::kMean, HeadFusion::kMax, HeadFusion::kMin}) {
      const auto blocks = random_attention(layout, 7);
      const auto expected = naive_rollout(blocks, layout.num_heads, layout.tokens(), fusion);
      const Heatmap map = rollout(layout, blocks, fusion);
      ASSERT_EQ(map.grid, layout.grid);
      ASSERT_EQ(map.values.size(), layout.grid.size());
      const auto row = expected.begin() +
                       static_cast<std::ptrdiff_t>(layout.read_out.front().token * layout.tokens() + layout.num_prefix);
      const double largest = *std::max_element(row, row + static_cast<std::ptrdiff_t>(layout.grid.size()));
      for (std::size_t i = 0; i < map.values.size(); ++i) {
        EXPECT_NEAR(static_cast<double>(map.values[i]), row[static_cast<std::ptrdiff_t>(i)], 1e-6 * largest)
            << layout.tokens() << " tokens, fusion " << static_cast<int>(fusion) << ", patch " << i;
      }
    }
  }
}

TEST(Rollout, SpreadsEvenlyOverAllTokensWhenEveryTokenAttendsToAllAlike) {
  const TokenLayout layout{.num_blocks = 3, .num_heads = 2, .num_prefix = 1, .grid = {2, 2}, .read_out = {{0, 1.0F}}};
  const std::vector<std::vector<float>> blocks(3, std::vector<float>(2 * 5 * 5, 0.2F));
  // The read-out token keeps 1/8 of itself through three residuals; the other 7/8 lie evenly on five tokens.
  EXPECT_THAT(rollout(layout, blocks, HeadFusion::kMean).values, testing::Each(testing::FloatNear(0.175F, 1e-7F)));
}

TEST(Rollout, OfAttentionThatLooksOnlyAtItselfLeavesNothingOnThePatches) {
  const TokenLayout layout{.num_blocks = 2, .num_heads = 1, .num_prefix = 1, .grid = {1, 2}, .read_out = {{0, 1.0F}}};
  const std::vector<std::vector<float>> blocks(2, {1, 0, 0, 0, 1, 0, 0, 0, 1});
  EXPECT_THAT(rollout(layout, blocks, HeadFusion::kMean).values, testing::Each(0.0F));
}

TEST(Rollout, KeepsAllOfTheMeanHeadsMassOnSomeToken) {
  const TokenLayout layout{.num_blocks = 6, .num_heads = 4, .num_prefix = 0, .grid = {4, 8}, .read_out = {{3, 1.0F}}};
  const Heatmap map = rollout(layout, random_attention(layout, 3), HeadFusion::kMean);
  EXPECT_NEAR(std::accumulate(map.values.begin(), map.values.end(), 0.0), 1.0, 1e-5);
}

TEST(Rollout, MayBeAskedForTwice) {
  const TokenLayout layout{.num_blocks = 2, .num_heads = 2, .num_prefix = 1, .grid = {2, 2}, .read_out = {{0, 1.0F}}};
  const auto blocks = random_attention(layout, 1);
  const auto explainer = explain_method("rollout").make({}, layout);
  for (std::size_t block = 0; block < 2; ++block) explainer->observe({block, 2, 5, blocks[block]});
  EXPECT_EQ(explainer->heatmap().values, explainer->heatmap().values);
}

TEST(Rollout, NamesItsVariant) {
  const ExplainMethod& method = explain_method("rollout");
  EXPECT_EQ(method.variant(test::with_heads(HeadFusion::kMean)), "mean heads, residual 0.5");
  EXPECT_EQ(method.variant(test::with_heads(HeadFusion::kMax)), "max heads, residual 0.5");
  EXPECT_EQ(method.variant(test::with_heads(HeadFusion::kMin)), "min heads, residual 0.5");
}

TEST(Rollout, RefusesBlocksOutOfOrderAndOfOtherSizes) {
  const TokenLayout layout{.num_blocks = 2, .num_heads = 2, .num_prefix = 1, .grid = {1, 2}, .read_out = {{0, 1.0F}}};
  const std::vector<float> weights(2 * 3 * 3, 0.25F);
  const auto explainer = explain_method("rollout").make({}, layout);
  EXPECT_EQ(error_of(
                [&] {
                  explainer->observe({1, 2, 3, weights});
                },
                ErrorCode::kShape),
            "rollout: block is 1, expected 0 of 2");
  EXPECT_EQ(error_of(
                [&] {
                  explainer->observe({0, 2, 4, weights});
                },
                ErrorCode::kShape),
            "rollout: attention of block 0 is [2, 4, 4] in 18 values, expected [2, 3, 3] in 18");
  EXPECT_EQ(error_of([&] { (void)explainer->heatmap(); }, ErrorCode::kShape),
            "rollout: number of observed blocks is 0, expected 2");
  explainer->observe({0, 2, 3, weights});
  explainer->observe({1, 2, 3, weights});
  EXPECT_EQ(error_of(
                [&] {
                  explainer->observe({2, 2, 3, weights});
                },
                ErrorCode::kShape),
            "rollout: block is 2, expected no more than 2 blocks");
}

TEST(Rollout, RefusesALayoutWithoutPatchesOrWithAReadOutRowThatDoesNotExist) {
  const auto make = [](const TokenLayout& layout) { (void)explain_method("rollout").make({}, layout); };
  EXPECT_EQ(error_of(
                [&] {
                  make({.num_blocks = 1, .num_heads = 1, .num_prefix = 1, .grid = {0, 4}, .read_out = {{0, 1.0F}}});
                },
                ErrorCode::kShape),
            "rollout: layout is 1 blocks, 1 heads, 0x4 patches, expected at least 1");
  EXPECT_EQ(error_of(
                [&] {
                  make({.num_blocks = 1, .num_heads = 1, .num_prefix = 1, .grid = {2, 2}, .read_out = {{5, 1.0F}}});
                },
                ErrorCode::kShape),
            "rollout: read-out row is 5, expected one of 5 tokens");
}

}  // namespace
}  // namespace fovea
