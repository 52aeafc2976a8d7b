// Methods that need no gradient: the stationary vector of attention, and controls that run the model again, here on a
// model whose answer is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/explain.hpp"
#include "support/naive_rollout.hpp"

namespace fovea {
namespace {

TEST(TokenRank, IsLeftAsItIsByAStepOfTheChain) {
  const TokenLayout layout{.num_blocks = 3, .num_heads = 2, .num_prefix = 1, .grid = {3, 4}, .read_out = {{0, 1.0F}}};
  const auto blocks = test::random_attention(layout, 2);
  const std::size_t n = layout.tokens();
  for (const HeadFusion fusion : {HeadFusion::kMean, HeadFusion::kMax}) {
    ExplainOptions options = test::with_heads(fusion);
    options.block = 1;
    // A layout without a prefix shows the whole vector.
    const TokenLayout whole{.num_blocks = 3, .num_heads = 2, .num_prefix = 0, .grid = {1, n}, .read_out = {{0, 1.0F}}};
    const auto explainer = explain_method("token-rank").make(options, whole);
    for (std::size_t block = 0; block < 3; ++block) explainer->observe({block, 2, n, blocks[block]});
    const std::vector<float> rank = explainer->heatmap().values;
    EXPECT_NEAR(std::accumulate(rank.begin(), rank.end(), 0.0), 1.0, 1e-6);
    std::vector<double> next(n);
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<double> row(n);
      for (std::size_t j = 0; j < n; ++j) {
        const double a = double{blocks[1][i * n + j]};
        const double b = double{blocks[1][(n + i) * n + j]};
        row[j] = fusion == HeadFusion::kMean ? (a + b) / 2 : std::max(a, b);
      }
      const double total = std::accumulate(row.begin(), row.end(), 0.0);
      for (std::size_t j = 0; j < n; ++j) next[j] += double{rank[i]} * row[j] / total;
    }
    for (std::size_t j = 0; j < n; ++j) EXPECT_NEAR(next[j], double{rank[j]}, 1e-7) << j;
  }
}

TEST(TokenRank, SettlesOnAChainThatAlternates) {
  const TokenLayout layout{.num_blocks = 1, .num_heads = 1, .num_prefix = 0, .grid = {1, 2}, .read_out = {{0, 1.0F}}};
  const auto explainer = explain_method("token-rank").make({}, layout);
  explainer->observe({0, 1, 2, std::vector<float>{0, 1, 1, 0}});
  EXPECT_THAT(explainer->heatmap().values, testing::ElementsAre(0.5F, 0.5F));
}

/// score = Σ_t w_t · (sum of patch t): what each patch is worth is known.
struct LinearModel {
  std::vector<float> weights;  // [T]
  std::size_t patch_dim = 0;
  std::size_t runs = 0;
  std::size_t most = 0;  // in one call

  RunAgain run() {
    return [this](std::span<const float> patches) {
      const std::size_t images = patches.size() / (weights.size() * patch_dim);
      std::vector<ClassScore> scores(images);
      for (std::size_t i = 0; i < patches.size(); ++i) {
        scores[i / (weights.size() * patch_dim)].score += weights[i / patch_dim % weights.size()] * patches[i];
      }
      for (ClassScore& score : scores) score.probability = std::clamp(score.score, 0.0F, 1.0F);
      runs += images;
      most = std::max(most, images);
      return scores;
    };
  }
};

TEST(Occlusion, FindsWhatEachPatchOfALinearModelIsWorth) {
  const TokenLayout layout{.num_blocks = 1, .num_heads = 1, .num_prefix = 1, .grid = {2, 3}, .read_out = {{0, 1.0F}}};
  LinearModel model{{1, 2, 3, -4, 5, 6}, 12};
  const std::vector<float> patches(6 * 12, 0.25F);  // each patch sums to 3
  ExplainOptions options;
  options.occlusion_window = 1;
  for (const std::size_t batch : {1U, 4U, 8U}) {
    const auto explainer = explain_method("occlusion").make(options, layout);
    EXPECT_THROW((void)explainer->heatmap(), Error);
    explainer->rerun(patches, batch, model.run());
    EXPECT_THAT(explainer->heatmap().values, testing::Pointwise(testing::FloatNear(1e-5F), {3, 6, 9, -12, 15, 18}));
    EXPECT_LE(model.most, batch);
  }
  EXPECT_EQ(model.runs, 3U * 7U);  // six positions and the whole picture
  options.occlusion_window = 2;    // positions 0 and 1 of one row: patches 0 1 3 4 and 1 2 4 5
  const auto explainer = explain_method("occlusion").make(options, layout);
  explainer->rerun(patches, 8, model.run());
  EXPECT_THAT(explainer->heatmap().values, testing::Pointwise(testing::FloatNear(1e-4F), {12, 30, 48, 12, 30, 48}));
}

TEST(Occlusion, AWindowLargerThanTheGridHidesAll) {
  const TokenLayout layout{.num_blocks = 1, .num_heads = 1, .num_prefix = 1, .grid = {1, 2}, .read_out = {{0, 1.0F}}};
  LinearModel model{{1, 2}, 3};
  ExplainOptions options;
  options.occlusion_window = 9;
  const auto explainer = explain_method("occlusion").make(options, layout);
  explainer->rerun(std::vector<float>(6, 1.0F), 8, model.run());
  EXPECT_THAT(explainer->heatmap().values, testing::ElementsAre(9, 9));
}

std::vector<float> rise_map(LinearModel& model, std::size_t masks, std::uint64_t seed, std::size_t batch) {
  const TokenLayout layout{.num_blocks = 1, .num_heads = 1, .num_prefix = 1, .grid = {6, 6}, .read_out = {{0, 1.0F}}};
  ExplainOptions options;
  options.masks = masks;
  options.seed = seed;
  const auto explainer = explain_method("rise").make(options, layout);
  explainer->rerun(std::vector<float>(36 * model.patch_dim, 1.0F / float(model.patch_dim)), batch, model.run());
  return explainer->heatmap().values;
}

TEST(Rise, IsHighestWhereTheClassIs) {
  LinearModel model{std::vector<float>(36), 12};
  model.weights[2 * 6 + 4] = 1;
  const std::vector<float> map = rise_map(model, 600, 1, 8);
  EXPECT_EQ(std::max_element(map.begin(), map.end()) - map.begin(), 2 * 6 + 4);
  EXPECT_EQ(model.runs, 600U);
  // The probability is the patch's visibility v: E[v² / 0.5] there, E[v]·E[v] / 0.5 = 0.5 far away.
  EXPECT_NEAR(map[5 * 6], 0.5F, 0.05F);
  EXPECT_GT(map[2 * 6 + 4], 0.55F);
}

TEST(Rise, DependsOnTheSeedAndNotOnTheBatch) {
  LinearModel model{std::vector<float>(36, 1.0F / 36), 12};
  EXPECT_EQ(rise_map(model, 50, 1, 8), rise_map(model, 50, 1, 3));
  EXPECT_NE(rise_map(model, 50, 1, 8), rise_map(model, 50, 2, 8));
}

/// Channel `place` of a block is high on the patches of its own parity.
std::vector<float> tis_map(std::size_t masks, std::uint64_t seed, const RunSome& run) {
  const TokenLayout layout{.num_blocks = 2, .num_heads = 1, .num_prefix = 1, .grid = {2, 3}, .read_out = {{0, 1.0F}}};
  ExplainOptions options;
  options.masks = masks;
  options.seed = seed;
  const auto explainer = explain_method("tis").make(options, layout);
  for (std::size_t block = 0; block < 2; ++block) {
    std::vector<float> tokens(7 * 4);  // [N, D]
    for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = float((i / 4 * (2 * (i % 4) + 3) + block) % 7);
    explainer->observe_tokens(block, {tokens, 7, 4});
  }
  explainer->run_some(run);
  return explainer->heatmap().values;
}

TEST(Tis, IsTheMeanProbabilityOverTheMasksThatShowAPatch) {
  std::vector<double> sums(6);
  std::vector<double> shown(6);
  const RunSome run = [&](MatrixView<const std::size_t> kept) {
    EXPECT_EQ(kept.rows(), 40U);
    EXPECT_EQ(kept.cols(), 3U) << "half of the patches";
    std::vector<ClassScore> scores(kept.rows());
    for (std::size_t mask = 0; mask < kept.rows(); ++mask) {
      EXPECT_TRUE(std::is_sorted(kept.row(mask).begin(), kept.row(mask).end()));
      for (const std::size_t patch : kept.row(mask)) scores[mask].probability += patch == 4 ? 0.75F : 0.0625F;
      for (const std::size_t patch : kept.row(mask)) {
        sums[patch] += double{scores[mask].probability};
        shown[patch] += 1;
      }
    }
    return scores;
  };
  const std::vector<float> map = tis_map(40, 1, run);
  for (std::size_t patch = 0; patch < 6; ++patch) {
    ASSERT_GT(shown[patch], 0) << "the channels show every patch";
    EXPECT_NEAR(double{map[patch]}, sums[patch] / shown[patch], 1e-6) << patch;
  }
  EXPECT_EQ(std::max_element(map.begin(), map.end()) - map.begin(), 4);
}

TEST(Tis, DependsOnTheSeedAlone) {
  const RunSome run = [](MatrixView<const std::size_t> kept) {
    std::vector<ClassScore> scores(kept.rows());
    for (std::size_t mask = 0; mask < kept.rows(); ++mask) scores[mask].probability = float(kept.row(mask)[1]);
    return scores;
  };
  EXPECT_EQ(tis_map(9, 1, run), tis_map(9, 1, run));
  EXPECT_NE(tis_map(9, 1, run), tis_map(9, 2, run));
}

TEST(Rise, AModelThatSaysTheSameOfEverythingGivesAFlatMap) {
  LinearModel model{std::vector<float>(36), 3};
  const RunAgain constant = [](std::span<const float> patches) {
    return std::vector<ClassScore>(patches.size() / 108, {0, 0.4F});
  };
  const TokenLayout layout{.num_blocks = 1, .num_heads = 1, .num_prefix = 1, .grid = {6, 6}, .read_out = {{0, 1.0F}}};
  ExplainOptions options;
  options.masks = 2000;
  const auto explainer = explain_method("rise").make(options, layout);
  explainer->rerun(std::vector<float>(108, 1.0F), 16, constant);
  for (const float value : explainer->heatmap().values) EXPECT_NEAR(value, 0.4F, 0.03F);  // half of all is visible
}

}  // namespace
}  // namespace fovea
