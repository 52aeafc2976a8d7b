// Deletion and insertion on a linear model, whose areas have a closed form.
#include "explain/faithfulness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "image/preprocess/patches.hpp"

namespace fovea {
namespace {

using testing::ElementsAre;

TEST(Faithfulness, TheAreaIsTheTrapezoidRule) {
  EXPECT_DOUBLE_EQ(area_under(std::vector<float>{1, 0}), 0.5);
  EXPECT_DOUBLE_EQ(area_under(std::vector<float>{1, 1, 1, 1}), 1.0);
  EXPECT_DOUBLE_EQ(area_under(std::vector<float>{1, 0.5F, 0.25F}), (0.5 + 0.5 + 0.125) / 2);
}

TEST(Faithfulness, OrdersPatchesByValueByDistanceFromTheMiddleAndByChance) {
  EXPECT_THAT(patch_order(std::vector<float>{1, 3, 2, 3}), ElementsAre(1, 3, 2, 0));
  EXPECT_THAT(centre_order({1, 5}), ElementsAre(2, 1, 3, 0, 4));
  EXPECT_EQ(centre_order({3, 3}).front(), 4U);
  const auto order = random_order(50, 3);
  EXPECT_EQ(std::set<std::size_t>(order.begin(), order.end()).size(), 50U);
  EXPECT_EQ(order, random_order(50, 3));
  EXPECT_NE(order, random_order(50, 4));
}

/// probability = Σ_t w_t · (first value of patch t), with weights that sum to 1: patches are 1 where they are whole.
struct ToyModel {
  std::vector<float> weights;
  RunAgain run() const {
    return [this](std::span<const float> patches) {
      const std::size_t dim = 3;
      std::vector<ClassScore> scores(patches.size() / (dim * weights.size()));
      for (std::size_t i = 0; i < patches.size(); i += dim) {
        scores[i / (dim * weights.size())].probability += weights[i / dim % weights.size()] * patches[i];
      }
      return scores;
    };
  }
};

TEST(Faithfulness, AreasOfALinearModelHaveAClosedForm) {
  for (const std::size_t count : {1U, 2U, 5U, 14U, 15U, 31U}) {
    std::vector<float> weights(count);
    std::iota(weights.begin(), weights.end(), 1.0F);
    const float total = std::accumulate(weights.begin(), weights.end(), 0.0F);
    for (float& weight : weights) weight /= total;
    const ToyModel model{weights};
    const RunAgain run = model.run();
    const std::vector<float> whole(count * 3, 1.0F);
    const std::vector<float> blurred(count * 3, 0.25F);
    for (const std::size_t most : {1U, 4U, 100U}) {
      Painting perturbation(whole, blurred, count, most, run);
      const PerturbationAreas areas = perturbation.areas(patch_order(weights));  // the best order there is
      const std::size_t step = perturbation_step(count);
      std::vector<double> deletion{1};
      for (std::size_t gone = step;; gone += step) {  // the heaviest `gone` patches are missing
        const std::size_t left = count - std::min(gone, count);
        deletion.push_back(double(left * (left + 1)) / double(count * (count + 1)));
        if (left == 0) break;
      }
      double expected = 0;
      for (std::size_t i = 1; i < deletion.size(); ++i) expected += (deletion[i - 1] + deletion[i]) / 2;
      expected /= double(deletion.size() - 1);
      EXPECT_NEAR(areas.deletion, expected, 1e-6) << count << " patches, " << most << " at once";
      EXPECT_NEAR(areas.insertion, 1 - 0.75 * expected, 1e-6) << count;  // from 0.25 to 1 by the same steps
    }
  }
}

TEST(Faithfulness, TheEndsOfAllCurvesAreRunOnceAndOnlyWhatLiesBetweenThemForEachOrder) {
  for (const std::size_t count : {1U, 2U, 13U, 14U, 15U, 49U}) {
    const ToyModel model{std::vector<float>(count, 1.0F / static_cast<float>(count))};
    std::size_t runs = 0;
    const RunAgain counted = [&, run = model.run()](std::span<const float> patches) {
      runs += patches.size() / (3 * count);
      EXPECT_LE(patches.size(), 4 * 3 * count) << "at once";
      return run(patches);
    };
    const std::vector<float> whole(count * 3, 1.0F);
    const std::vector<float> blurred(count * 3, 0.5F);
    Painting perturbation(whole, blurred, count, 4, counted);
    EXPECT_EQ(runs, 3U);
    const std::size_t steps = (count + perturbation_step(count) - 1) / perturbation_step(count);
    for (const std::uint64_t seed : {1U, 2U}) (void)perturbation.areas(random_order(count, seed));
    EXPECT_EQ(runs, 3 + 2 * 2 * (steps - 1)) << count;
  }
}

TEST(Faithfulness, TheBestOrderIsBetterThanRandomAndTheWorstIsWorse) {
  const std::size_t count = 49;
  std::vector<float> weights(count);
  for (std::size_t i = 0; i < count; ++i) weights[i] = i < 12 ? 1.0F / 12 : 0.0F;  // at the top
  const ToyModel model{weights};
  const RunAgain run = model.run();
  const std::vector<float> whole(count * 3, 1.0F);
  const std::vector<float> blurred(count * 3, 0.0F);
  Painting perturbation(whole, blurred, count, 8, run);
  const PerturbationBaselines baselines = perturbation_baselines(perturbation, {7, 7}, 0);
  const Faithfulness best = judge(perturbation.areas(patch_order(weights)), baselines, count);
  EXPECT_EQ(best.verdict, Verdict::kBetterThanRandom);
  EXPECT_LT(best.map.deletion, best.random.deletion);
  EXPECT_GT(best.map.insertion, best.random.insertion);
  EXPECT_EQ(best.random_maps, 5U);
  EXPECT_EQ(best.step, 3U);
  std::vector<float> inverted(weights);
  for (float& weight : inverted) weight = -weight;
  EXPECT_EQ(judge(perturbation.areas(patch_order(inverted)), baselines, count).verdict, Verdict::kWorseThanRandom);
  EXPECT_EQ(judge(baselines.random[0], baselines, count).verdict, Verdict::kNoBetterThanRandom);
}

/// The same model on some patches alone: a patch that is left out gives nothing.
RunSome some_of(const ToyModel& model) {
  return [&model](MatrixView<const std::size_t> kept) {
    std::vector<ClassScore> scores(kept.rows());
    for (std::size_t row = 0; row < kept.rows(); ++row) {
      EXPECT_TRUE(std::is_sorted(kept.row(row).begin(), kept.row(row).end()));
      for (const std::size_t patch : kept.row(row)) scores[row].probability += model.weights[patch];
    }
    return scores;
  };
}

TEST(Faithfulness, DroppingALinearModelsPatchesGivesWhatPaintingThemGives) {
  for (const std::size_t count : {1U, 5U, 14U, 31U}) {
    std::vector<float> weights(count);
    std::iota(weights.begin(), weights.end(), 1.0F);
    const float total = std::accumulate(weights.begin(), weights.end(), 0.0F);
    for (float& weight : weights) weight /= total;
    const ToyModel model{weights};
    const RunAgain run = model.run();
    const RunSome some = some_of(model);
    const std::vector<float> whole(count * 3, 1.0F);
    const std::vector<float> nothing(count * 3, 0.0F);
    Painting painting(whole, nothing, count, 4, run);
    Dropping dropping(count, some);
    for (const auto& order : {patch_order(weights), random_order(count, 3)}) {
      const PerturbationAreas painted = painting.areas_both_ways(order);
      const PerturbationAreas dropped = dropping.areas_both_ways(order);
      EXPECT_NEAR(painted.deletion, dropped.deletion, 1e-6) << count;
      EXPECT_NEAR(painted.insertion, dropped.insertion, 1e-6) << count;
      EXPECT_NEAR(painted.least_first.value(), dropped.least_first.value(), 1e-6) << count;
      EXPECT_EQ(painting.areas(order).least_first, std::nullopt);
    }
  }
}

TEST(Faithfulness, TheSymmetricGainOfALinearModelIsItsInsertionLessDeletion) {
  const ToyModel model{std::vector<float>{0.5F, 0.25F, 0.125F, 0.125F}};
  const RunSome some = some_of(model);
  Dropping dropping(4, some);
  const PerturbationAreas areas = dropping.areas_both_ways({0, 1, 2, 3});
  EXPECT_DOUBLE_EQ(areas.deletion, (0.5 + 0.5 + 0.25 + 0.125) / 4);      // 1 0.5 0.25 0.125 0
  EXPECT_DOUBLE_EQ(*areas.least_first, (0.5 + 0.875 + 0.75 + 0.5) / 4);  // 1 0.875 0.75 0.5 0
  EXPECT_DOUBLE_EQ(areas.srg().value(), areas.gain());
}

TEST(Faithfulness, OutliersStandOutFromTheirImage) {
  std::vector<float> tokens(41 * 2);
  for (std::size_t i = 0; i < 41; ++i) tokens[2 * i] = 10 + 0.1F * float(i % 7);
  tokens[0] = 900;  // the class token is no patch
  EXPECT_EQ(outlier_share({tokens, 41, 2}, 1), 0.0F);
  tokens[2 * 5] = 30;
  tokens[2 * 9 + 1] = -40;
  EXPECT_FLOAT_EQ(outlier_share({tokens, 41, 2}, 1), 2.0F / 40);
}

TEST(Faithfulness, OnlyTokensThatAreFourTimesAsLongAsTheMedianAreWarnedOf) {
  for (const std::size_t prefix : {0U, 1U, 5U}) {
    std::vector<float> tokens((prefix + 40) * 2);
    for (std::size_t i = 0; i < prefix + 40; ++i) tokens[2 * i] = 10 + 0.01F * float(i % 3);
    if (prefix > 0) tokens[0] = 900;
    const MatrixView<const float> view{tokens, prefix + 40, 2};
    tokens[2 * (prefix + 7)] = 39;
    EXPECT_GT(outlier_share(view, prefix), 0.0F) << "an outlier, but not far out";
    EXPECT_TRUE(outlier_patches(view, prefix).empty());
    EXPECT_FALSE(outlier_tokens(view, prefix));
    tokens[2 * (prefix + 7) + 1] = -20;
    tokens[2 * (prefix + 39)] = 82;
    EXPECT_EQ(outlier_patches(view, prefix), (std::vector<std::size_t>{7, 39}));
    const auto found = outlier_tokens(view, prefix);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->patches, 2U);
    EXPECT_EQ(found->of, 40U);
    EXPECT_NEAR(found->largest, 8.2, 0.02);
  }
}

TEST(Faithfulness, TokensThatVaryMuchHaveNoOutliers) {
  std::vector<float> tokens(40);
  for (std::size_t i = 0; i < 40; ++i) tokens[i] = std::exp(0.06F * float(i));  // tenfold from the least to the largest
  EXPECT_TRUE(outlier_patches({tokens, 40, 1}, 0).empty());
}

TEST(BlurPatches, IsAGaussianOverTheWholePictureAndZeroBeyondIt) {
  const PatchGrid grid{3, 4};
  const std::size_t side = 4;
  std::vector<float> patches(grid.size() * 3 * side * side);
  for (std::size_t i = 0; i < patches.size(); ++i) patches[i] = float(i * 7919 % 101) / 50 - 1;
  const auto at = [&](const std::vector<float>& values, std::size_t c, std::size_t y, std::size_t x) {
    const std::size_t patch = y / side * grid.cols + x / side;
    return double{values[((patch * 3 + c) * side + y % side) * side + x % side]};
  };
  std::vector<float> blurred(patches.size());
  blur_patches(patches, grid, side, blurred);
  std::vector<double> kernel;
  for (int i = -5; i <= 5; ++i) kernel.push_back(std::exp(-i * i / 50.0));
  const double total = std::accumulate(kernel.begin(), kernel.end(), 0.0);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t y = 0; y < 12; ++y) {
      for (std::size_t x = 0; x < 16; ++x) {
        double sum = 0;
        for (int dy = -5; dy <= 5; ++dy) {
          for (int dx = -5; dx <= 5; ++dx) {
            const int sy = int(y) + dy;
            const int sx = int(x) + dx;
            if (sy < 0 || sx < 0 || sy >= 12 || sx >= 16) continue;
            sum += kernel[std::size_t(dy + 5)] * kernel[std::size_t(dx + 5)] *
                   at(patches, c, std::size_t(sy), std::size_t(sx));
          }
        }
        ASSERT_NEAR(at(blurred, c, y, x), sum / (total * total), 1e-5) << c << ' ' << y << ' ' << x;
      }
    }
  }
}

}  // namespace
}  // namespace fovea
