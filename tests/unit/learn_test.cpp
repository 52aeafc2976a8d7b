// What is learned from features: the solver, folds, near-duplicates, intervals and the rule for unknown pictures.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "base/parallel.hpp"
#include "base/random.hpp"
#include "fovea/machine.hpp"
#include "learn/baselines.hpp"
#include "learn/cross_validation.hpp"
#include "learn/folds.hpp"
#include "learn/intervals.hpp"
#include "learn/logistic.hpp"
#include "learn/metrics.hpp"
#include "learn/minimise.hpp"
#include "learn/near_duplicates.hpp"
#include "learn/temperature.hpp"
#include "learn/unknown.hpp"
#include "support/normal_values.hpp"

namespace fovea::learn {
namespace {

double normal(Random& random) {
  return std::sqrt(-2 * std::log(1 - random.uniform())) * std::cos(2 * std::numbers::pi * random.uniform());
}

/// Classes around means that lie `apart` from each other, example i of class i % classes.
Examples drawn(std::size_t count, std::size_t width, std::size_t classes, double apart, std::uint64_t seed) {
  Random random(seed);
  Matrix means{classes, width};
  for (double& value : means.values) value = apart * normal(random);
  Examples examples{{count, width}, {}, std::vector<double>(count, 1.0), classes};
  for (std::size_t i = 0; i < count; ++i) {
    examples.classes.push_back(i % classes);
    for (std::size_t j = 0; j < width; ++j) {
      examples.features.row(i)[j] = means.row(i % classes)[j] + normal(random);
    }
  }
  return examples;
}

std::vector<std::size_t> counting(std::size_t count) {
  std::vector<std::size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  return numbers;
}

std::vector<Split> five_folds(const Examples& examples) {
  return splits_of(stratified_folds(examples.classes, counting(examples.classes.size()), 5, 0), 5);
}

TEST(Minimise, FindsTheMinimumOfANarrowValley) {
  const Objective rosenbrock = [](std::span<const double> x, std::span<double> gradient) {
    const double a = 1 - x[0];
    const double b = x[1] - x[0] * x[0];
    gradient[0] = -2 * a - 400 * x[0] * b;
    gradient[1] = 200 * b;
    return a * a + 100 * b * b;
  };
  const Minimum minimum = minimise(rosenbrock, {-1.2, 1}, {.tolerance = 1e-10});
  EXPECT_NEAR(minimum.x[0], 1, 1e-9);
  EXPECT_NEAR(minimum.x[1], 1, 1e-9);
  EXPECT_LT(minimum.evaluations, 80U);
}

TEST(Minimise, EndsWhereRoundingHidesAnyDescent) {
  const Objective flat = [](std::span<const double> x, std::span<double> gradient) {
    gradient[0] = 2 * x[0];
    return 1e20 + x[0] * x[0];
  };
  EXPECT_LT(minimise(flat, {3}, {.tolerance = 0}).evaluations, 2000U);
}

TEST(LogisticRegression, HasAGradientOfZeroAtItsEnd) {
  const Examples examples = drawn(90, 7, 3, 0.7, 1);
  LinearHead head = LogisticRegression(examples).fit(2.0, 1e-12);
  const double least = logistic_objective(examples, head, 2.0);
  for (const double step : {-1e-4, 1e-4}) {
    for (double* value : {&head.weight.values[0], &head.weight.values[13], &head.bias[2]}) {
      *value += step;
      EXPECT_GT(logistic_objective(examples, head, 2.0), least);
      *value -= step;
    }
  }
}

TEST(LogisticRegression, GivesTheSameHeadWithAndWithoutAWarmStart) {
  const Examples examples = drawn(80, 200, 4, 0.3, 2);  // more features than examples
  LogisticRegression path(examples);
  for (const double c : {1e-4, 1e-2, 1.0}) (void)path.fit(c, 1e-10);
  const LinearHead warm = path.fit(10.0, 1e-12);
  const LinearHead cold = LogisticRegression(examples).fit(10.0, 1e-12);
  for (std::size_t i = 0; i < warm.weight.values.size(); ++i) {
    ASSERT_NEAR(warm.weight.values[i], cold.weight.values[i], 1e-6);
  }
}

TEST(LogisticRegression, NeverPredictsAClassWithoutExamples) {
  Examples examples = drawn(30, 4, 2, 1, 3);
  examples.num_classes = 3;
  const Matrix scores = scores_of(LogisticRegression(examples).fit(1.0, 1e-8), examples.features);
  const Matrix probabilities = probabilities_of(scores, 1.0);
  for (std::size_t i = 0; i < probabilities.rows; ++i) EXPECT_EQ(probabilities.row(i)[2], 0);
}

TEST(LogisticRegression, IsTheSameOnUnscaledFeaturesOnceTheScalingIsFoldedIn) {
  Examples examples = drawn(60, 5, 3, 1, 4);
  for (std::size_t i = 0; i < examples.features.rows; ++i) {
    examples.features.row(i)[1] = 1000 * examples.features.row(i)[1] + 5;
    examples.features.row(i)[3] = 7;  // says nothing
  }
  const Scaling scaling = scaling_of(examples.features);
  Examples ready = examples;
  ready.features = scaled(examples.features, scaling);
  const LinearHead head = LogisticRegression(ready).fit(1.0, 1e-10);
  const Matrix expected = scores_of(head, ready.features);
  const Matrix actual = scores_of(unscaled(head, scaling), examples.features);
  for (std::size_t i = 0; i < expected.values.size(); ++i) EXPECT_NEAR(actual.values[i], expected.values[i], 1e-9);
}

TEST(Folds, KeepGroupsTogetherAndSpreadEachClass) {
  std::vector<std::size_t> classes;
  std::vector<std::size_t> groups;
  Random random(5);
  for (std::size_t i = 0; i < 300; ++i) {
    classes.push_back(i % 3);
    groups.push_back(i % 3 * 1000 + random.below(40));  // series of about 2.5
  }
  const Folds folds = stratified_folds(classes, groups, 5, 1);
  std::vector<std::vector<std::size_t>> counts(3, std::vector<std::size_t>(5));
  for (std::size_t i = 0; i < folds.size(); ++i) {
    ASSERT_TRUE(folds[i].has_value());
    ++counts[classes[i]][*folds[i]];
    for (std::size_t j = 0; j < i; ++j) {
      if (groups[i] == groups[j]) {
        ASSERT_EQ(folds[i], folds[j]);
      }
    }
  }
  for (const auto& of_class : counts) {
    for (const std::size_t count : of_class) EXPECT_NEAR(static_cast<double>(count), 20, 3);
  }
}

TEST(Folds, HoldOutEachPictureOfASmallClassAlone) {
  const std::vector<std::size_t> classes{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1};
  const Folds folds = stratified_folds(classes, counting(classes.size()), 5, 0);
  EXPECT_EQ((std::set<std::optional<std::size_t>>{folds[8], folds[9], folds[10]}).size(), 3U);
}

TEST(Folds, AlwaysLearnFromAClassOfOneGroup) {
  const std::vector<std::size_t> classes{0, 0, 0, 1, 1};
  const std::vector<std::size_t> groups{0, 1, 2, 7, 7};
  const Folds folds = stratified_folds(classes, groups, 3, 0);
  EXPECT_FALSE(folds[3]);
  for (const Split& split : splits_of(folds, 3)) {
    EXPECT_TRUE(std::ranges::count(split.train, 3U) == 1 && std::ranges::count(split.train, 4U) == 1);
  }
}

TEST(NearDuplicates, AreTiedByFeaturesOrByBothAndThroughOthers) {
  Random random(6);
  Matrix features{6, 40};
  for (double& value : features.values) value = normal(random);
  for (std::size_t j = 0; j < 40; ++j) {
    features.row(3)[j] = features.row(0)[j] + 0.02 * normal(random);  // the same to the features
    features.row(4)[j] = features.row(3)[j] + 0.60 * normal(random);  // alike
    features.row(5)[j] = features.row(1)[j] + 0.60 * normal(random);  // alike, but of another look
  }
  const std::vector<std::uint64_t> hashes{0, 0xF0F0F0F0F0F0F0F0U, 0xFFFFU << 20U, 0x7FFF0000U, 0x7FFF0001U, ~0U};
  const std::vector<std::size_t> classes{0, 0, 0, 0, 1, 1};
  const Pictures pictures{features, hashes, classes};
  EXPECT_EQ(group_near_duplicates(near_duplicates(pictures), counting(6)),
            (std::vector<std::size_t>{0, 1, 2, 0, 0, 5}));
  const std::vector<std::size_t> series{0, 1, 0, 3, 4, 5};
  EXPECT_EQ(group_near_duplicates(near_duplicates(pictures), series), (std::vector<std::size_t>{0, 1, 0, 0, 0, 5}));
}

TEST(NearDuplicates, AreFoundWhereEveryPictureHasACopyAndNotInClassesThatAreTight) {
  Examples once = drawn(60, 40, 3, 3, 21);  // classes lie far apart: cosines within a class are near 1
  Random looks(23);
  std::vector<std::uint64_t> hashes(120);  // no two look alike, so the features decide
  for (std::uint64_t& hash : hashes) hash = looks.bits();
  std::vector<std::size_t> classes = once.classes;
  classes.insert(classes.end(), once.classes.begin(), once.classes.end());
  const Pictures alone{once.features, hashes, once.classes};
  EXPECT_EQ(group_near_duplicates(near_duplicates(alone), counting(60)), counting(60));
  Matrix twice{120, 40, once.features.values};
  Random random(22);
  for (const double value : once.features.values) twice.values.push_back(value + 0.1 * normal(random));
  const std::vector<std::size_t> groups =
      group_near_duplicates(near_duplicates({twice, hashes, classes}), counting(120));
  for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(groups[60 + i], i);
}

TEST(CrossValidation, PlantedCopiesDoNotRaiseTheScore) {
  const Examples once = drawn(100, 30, 4, 0.3, 7);
  Examples thrice = once;
  std::vector<std::size_t> groups = counting(100);
  for (int copy = 0; copy < 2; ++copy) {
    thrice.features.rows += 100;
    thrice.features.values.insert(thrice.features.values.end(), once.features.values.begin(),
                                  once.features.values.end());
    thrice.classes.insert(thrice.classes.end(), once.classes.begin(), once.classes.end());
    thrice.weights.resize(thrice.weights.size() + 100, 1.0);
    for (std::size_t i = 0; i < 100; ++i) groups.push_back(i);
  }
  const auto top1 = [](const Examples& examples, const std::vector<Split>& splits) {
    const CrossValidation found = cross_validate(examples, splits);
    const auto truth = elements_of(examples.classes, found.measured);
    return accuracy_of(confusion_of(truth, predictions_of(found.scores), examples.num_classes)).top1;
  };
  const double honest = top1(once, five_folds(once));
  EXPECT_NEAR(top1(thrice, splits_of(stratified_folds(thrice.classes, groups, 5, 0), 5)), honest, 0.05);
  EXPECT_GT(top1(thrice, five_folds(thrice)), honest + 0.15);  // what straddling folds would pretend
}

TEST(CrossValidation, DoesNotDependOnTheNumberOfThreads) {
  const Examples examples = drawn(100, 20, 3, 0.4, 8);
  const auto splits = five_folds(examples);
  set_compute_threads(1);
  const CrossValidation one = cross_validate(examples, splits);
  set_compute_threads(3);
  const CrossValidation three = cross_validate(examples, splits);
  EXPECT_EQ(one.c, three.c);
  EXPECT_EQ(one.scores.values, three.scores.values);
}

TEST(CrossValidation, ThinnedSetsKeepAGroupOfEachClass) {
  const Examples examples = drawn(60, 3, 6, 1, 9);
  const auto splits = five_folds(examples);
  for (const Split& split : thinned(splits, examples.classes, counting(60), 0.01, 0)) {
    EXPECT_EQ(split.train.size(), 6U);
    EXPECT_EQ(split.test.size(), 12U);
  }
}

TEST(Temperature, BringsBackTheOneThatScoresWereMultipliedWith) {
  Random random(10);
  Matrix scores{20000, 3};
  std::vector<std::size_t> classes;
  for (std::size_t i = 0; i < scores.rows; ++i) {
    for (double& score : scores.row(i)) score = 2 * normal(random);
    const Matrix p = probabilities_of({1, 3, {scores.row(i).begin(), scores.row(i).end()}}, 1.0);
    const double u = random.uniform();
    classes.push_back(u < p.values[0] ? 0 : u < p.values[0] + p.values[1] ? 1 : 2);
    for (double& score : scores.row(i)) score *= 2.5;
  }
  EXPECT_NEAR(fit_temperature(scores, classes), 2.5, 0.1);
}

TEST(Temperature, LeavesADoubtWhereEveryPictureIsRight) {
  const Matrix scores{3, 2, {4, 0, 5, 1, 0, 4}};
  const std::vector<std::size_t> classes{0, 0, 1};
  const Matrix p = probabilities_of(scores, fit_temperature(scores, classes));
  EXPECT_NEAR(p.row(0)[0], 0.8, 1e-6);  // 1 - 1 / (3 + 2)
}

TEST(Intervals, HoldTheTruthAboutAsOftenAsTheySay) {
  Random random(11);
  int held = 0;
  constexpr int kTrials = 100;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<std::size_t> truth(200);
    std::vector<std::size_t> predicted(200);
    for (std::size_t i = 0; i < 200; ++i) predicted[i] = random.uniform() < 0.8 ? 0 : 1;
    const Interval top1 = bootstrap({truth, predicted, counting(200), 2}, static_cast<std::uint64_t>(trial)).top1;
    held += top1.low <= 0.8 && 0.8 <= top1.high ? 1 : 0;
  }
  EXPECT_GE(held, 88);
}

TEST(Intervals, AreWiderWhereGroupsAreAllRightOrAllWrong) {
  std::vector<std::size_t> truth(200);
  std::vector<std::size_t> predicted(200);
  std::vector<std::size_t> groups(200);
  for (std::size_t i = 0; i < 200; ++i) {
    groups[i] = i / 20;
    predicted[i] = groups[i] % 5 == 0 ? 1 : 0;
  }
  const Interval grouped = bootstrap({truth, predicted, groups, 2}, 0).top1;
  const Interval alone = bootstrap({truth, predicted, counting(200), 2}, 0).top1;
  EXPECT_GT(grouped.high - grouped.low, 2 * (alone.high - alone.low));
}

TEST(Baselines, FindClassesThatLieApart) {
  const Examples examples = drawn(60, 10, 3, 3, 12);
  const std::vector<std::size_t> mean = nearest_mean(examples, examples.features);
  const std::vector<std::size_t> neighbours = nearest_neighbours(examples, examples.features, 5);
  EXPECT_EQ(mean, examples.classes);
  EXPECT_EQ(neighbours, examples.classes);
}

TEST(Logistic, LearnsWhatIsMissingBesideOffsets) {
  Examples examples = drawn(80, 6, 3, 0.8, 21);
  examples.offsets = drawn(80, 3, 3, 1, 22).features;
  constexpr double kC = 0.3;
  const LinearHead head = LogisticRegression(examples).fit(kC, 1e-10);
  const double least = logistic_objective(examples, head, kC);
  const std::vector<float> steps = test::normal_values(200 * (18 + 3), 23);
  for (std::size_t step = 0; step < 200; ++step) {
    LinearHead other = head;
    for (std::size_t i = 0; i < 18; ++i) other.weight.values[i] += 1e-3 * double(steps[21 * step + i]);
    for (std::size_t c = 0; c < 3; ++c) other.bias[c] += 1e-3 * double(steps[21 * step + 18 + c]);
    EXPECT_GT(logistic_objective(examples, other, kC), least);
  }
  Examples without = examples;
  without.offsets = {};
  EXPECT_GT(logistic_objective(examples, LogisticRegression(without).fit(kC, 1e-10), kC), least + 1e-3);
}

TEST(Unknown, IsToldOfClassesThatNobodyLearned) {
  Examples known = drawn(240, 16, 6, 2, 13);
  const auto splits = five_folds(known);
  const CrossValidation heads = cross_validate(known, splits);
  const UnknownChoice choice = choose_unknown(known, splits, heads, 1.0, 0.05);
  EXPECT_NEAR(choice.rejected, 0.05, 0.03);
  EXPECT_GT(std::max(choice.energy_area, choice.distance_area), 0.95);
  const ClassBalls balls = fit_balls(known);
  const std::vector<double> far(16, 9.0);
  EXPECT_GT(distance(balls, far), 2.0);
  if (choice.by == UnknownBy::kDistance) {
    const Neighbours neighbours = fit_neighbours(known);
    EXPECT_GT(strangeness(choice.known, distance(balls, far), distance(neighbours, far)), choice.threshold);
  }
}

TEST(Unknown, OnAverageNoMoreThanTheShareOfKnownPicturesIsRejected) {
  double rejected = 0;
  constexpr int kSeeds = 20;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const Examples known = drawn(200, 8, 4, 1.5, 100 + static_cast<std::uint64_t>(seed));
    const auto splits = five_folds(known);
    rejected += choose_unknown(known, splits, cross_validate(known, splits), 1.0, 0.05).rejected / kSeeds;
  }
  EXPECT_LE(rejected, 0.05);
  EXPECT_GE(rejected, 0.03);  // where more is seen, the threshold is raised
}

TEST(Unknown, TheFifthNeighbourIsThatOfASortedList) {
  for (const std::size_t count : {1U, 4U, 5U, 6U, 15U, 16U, 31U, 32U}) {
    const Examples examples = drawn(count, 7, 2, 1, 17);
    const Neighbours neighbours = fit_neighbours(examples);
    const std::vector<double> picture{1, -2, 3, 0.5, -0.25, 2, 1};
    std::vector<double> distances;
    for (std::size_t i = 0; i < count; ++i) {
      double dot = 0;
      double own = 0;
      double other = 0;
      for (std::size_t d = 0; d < picture.size(); ++d) {
        dot += picture[d] * examples.features.row(i)[d];
        own += picture[d] * picture[d];
        other += examples.features.row(i)[d] * examples.features.row(i)[d];
      }
      distances.push_back(1 - dot / std::sqrt(own * other));
    }
    std::ranges::sort(distances);
    EXPECT_NEAR(distance(neighbours, picture), distances[std::min<std::size_t>(4, count - 1)], 1e-12) << count;
  }
}

TEST(Unknown, StrangenessIsTheShareOfKnownPicturesThatAreLessStrange) {
  const KnownScores known{{1, 2, 3, 4}, {10, 20, 30, 40}};
  EXPECT_EQ(strangeness(known, 0, 0), 0);
  EXPECT_EQ(strangeness(known, 2.5, 0), 0.5);
  EXPECT_EQ(strangeness(known, 2, 0), 0.25);  // one that is as strange is not less strange
  EXPECT_EQ(strangeness(known, 0, 35), 0.75);
  EXPECT_EQ(strangeness(known, 9, 35), 1);
}

}  // namespace
}  // namespace fovea::learn
