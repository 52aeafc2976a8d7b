// How labels meet classes, and figures beside naive twins of their definitions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "fovea/error.hpp"
#include "learn/confidence.hpp"
#include "learn/intervals.hpp"
#include "learn/metrics.hpp"
#include "learn/paired.hpp"
#include "learn/temperature.hpp"
#include "pipeline/eval/class_match.hpp"
#include "pipeline/eval/evaluate.hpp"

namespace fovea::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- labels and classes

const std::vector<ClassLabel> kBirds{{"crane", "n02012849"},
                                     {"crane", "n03126707"},
                                     {"steel arch bridge", "n04311004"},
                                     {"tench, Tinca tinca", "n01440764"},
                                     {std::nullopt, std::nullopt}};

std::string refusal(const std::vector<std::string>& labels, const std::vector<ClassLabel>& classes) {
  try {
    (void)match_classes(labels, classes, "m");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return std::string(error.what()) + "\n" + error.hint();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

TEST(ClassMatch, ALabelIsANameAWordNetIdOrAnIndex) {
  const std::vector<std::string> labels{"n03126707", "0", "Steel Arch Bridge", "steel_arch_bridge", "tinca tinca", "4"};
  const MatchedClasses matched = match_classes(labels, kBirds, "m");
  EXPECT_THAT(matched.of_label, ElementsAre(1, 0, 2, 2, 3, 4));
  ASSERT_EQ(matched.remarks.size(), 1U);
  EXPECT_THAT(matched.remarks[0], HasSubstr("'Steel Arch Bridge' and 'steel_arch_bridge' name the same class"));
}

TEST(ClassMatch, AllLabelsWithoutAClassAreListedWithTheNearestNames) {
  const std::string text = refusal({"tench", "tensh", "crane", "zebra", "9"}, kBirds);
  EXPECT_THAT(text, HasSubstr("m: 4 of 5 labels name no one class of it: 'tensh', 'crane', 'zebra', '9'"));
  EXPECT_THAT(text, HasSubstr("'tensh': did you mean 'tench'?"));
  EXPECT_THAT(text, HasSubstr("'crane': class 'crane' matches 2 classes"));
}

TEST(ClassMatch, ClassesThatAreCalledByNumbersAreMeantByTheirNames) {
  const std::vector<ClassLabel> digits{{"1", {}}, {"2", {}}, {"10", {}}};
  EXPECT_THAT(match_classes(std::vector<std::string>{"10", "1", "2"}, digits, "m").of_label, ElementsAre(2, 0, 1));
  EXPECT_THAT(refusal({"1", "0"}, digits), HasSubstr("1 of 2 labels name no one class of it: '0'"));
}

TEST(ClassMatch, ClassesOfOneNameAreToldApart) {
  EXPECT_THAT(distinct_names(kBirds),
              ElementsAre("crane (n02012849)", "crane (n03126707)", "steel arch bridge", "tench", "class 4"));
}

// ---- figures

/// Answers of a model whose scores lean to the right class, in steps, so that some are equal.
Answers drawn_answers(std::size_t count, std::size_t classes, std::uint64_t seed) {
  Random random(seed);
  Answers answers;
  answers.precision = "f32";
  answers.classes.resize(classes);
  answers.scores = learn::Matrix{count, classes};
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t truth = random.below(classes);
    const auto row = answers.scores.row(i);
    for (std::size_t c = 0; c < classes; ++c) {
      row[c] = 0.25 * static_cast<double>(random.below(9)) + (c == truth ? 1 : 0);
    }
    const std::size_t best = learn::largest(row);
    const learn::Matrix p = learn::probabilities_of({1, classes, {row.begin(), row.end()}}, 1);
    std::size_t before = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      before += row[c] > row[truth] || (row[c] == row[truth] && c < truth) ? 1U : 0U;
    }
    answers.pictures.push_back({i, truth, best, p.values[best], p.values[truth], before < 5});
  }
  return answers;
}

LabelledPictures named_pictures(std::size_t count) {
  LabelledPictures pictures;
  for (std::size_t i = 0; i < count; ++i) {
    pictures.inputs.push_back({"p/" + std::to_string(i), std::to_string(i / 4) + "_" + std::to_string(i), {}});
  }
  return pictures;
}

/// Σ over thresholds of the recall that is won times the precision there.
double naive_average_precision(const learn::Matrix& p, const std::vector<std::size_t>& truth, std::size_t of) {
  std::set<double, std::greater<>> thresholds;
  for (std::size_t i = 0; i < p.rows; ++i) thresholds.insert(p.row(i)[of]);
  const auto all = static_cast<double>(std::ranges::count(truth, of));
  double area = 0;
  double recall = 0;
  for (const double threshold : thresholds) {
    double taken = 0;
    double right = 0;
    for (std::size_t i = 0; i < p.rows; ++i) {
      if (p.row(i)[of] < threshold) continue;
      ++taken;
      right += truth[i] == of ? 1 : 0;
    }
    area += (right / all - recall) * right / taken;
    recall = right / all;
  }
  return area;
}

TEST(EvalFigures, AveragePrecisionIsThatOfItsDefinitionForAnySize) {
  for (const std::size_t count : {1U, 2U, 7U, 40U, 133U}) {
    for (const std::size_t classes : {2U, 3U, 9U}) {
      const Answers answers = drawn_answers(count, classes, count + classes);
      std::vector<std::size_t> truth;
      for (const Answer& one : answers.pictures) truth.push_back(one.truth);
      for (const std::size_t c : std::set<std::size_t>(truth.begin(), truth.end())) {
        EXPECT_NEAR(learn::average_precision(answers.scores, truth, c),
                    naive_average_precision(answers.scores, truth, c), 1e-12);
      }
    }
  }
}

TEST(EvalFigures, TheWidestPointIsTheMostPicturesThatAreRightSoOften) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    std::vector<learn::Judged> answers;
    for (std::size_t i = 0; i < 1 + seed * 3; ++i) {
      const double sure = 0.1 * static_cast<double>(random.below(11));
      answers.push_back({sure, random.uniform() < sure});
    }
    const auto curve = learn::coverage_curve(answers);
    for (const double wanted : {0.5, 0.9, 1.0}) {
      std::size_t most = 0;
      for (const learn::Judged& at : answers) {  // every confidence is a threshold
        std::size_t taken = 0;
        std::size_t right = 0;
        for (const learn::Judged& one : answers) {
          if (one.confidence < at.confidence) continue;
          ++taken;
          right += one.right ? 1U : 0U;
        }
        if (static_cast<double>(right) >= wanted * static_cast<double>(taken)) most = std::max(most, taken);
      }
      const auto* const point = learn::widest(curve, wanted);
      EXPECT_EQ(point == nullptr ? 0 : point->answers, most) << seed << ' ' << wanted;
    }
  }
}

TEST(EvalFigures, CalibrationErrorIsTheMeanGapOfItsBins) {
  const std::vector<learn::Judged> answers{{0.95, true}, {0.95, false}, {0.2, false}, {1.0, true}};
  const auto bins = learn::calibration_bins(answers);
  ASSERT_EQ(bins.size(), 15U);
  EXPECT_EQ(bins.back().answers, 3U);
  EXPECT_NEAR(bins.back().accuracy, 2.0 / 3, 1e-15);
  EXPECT_NEAR(learn::calibration_error(bins), (3 * std::fabs(2.9 / 3 - 2.0 / 3) + 0.2) / 4, 1e-12);
  EXPECT_NEAR(learn::largest_calibration_gap(bins), 2.9 / 3 - 2.0 / 3, 1e-12);
}

TEST(EvalFigures, WilsonsIntervalHoldsTheShareAndStaysWithin0And1) {
  for (const std::size_t count : {1U, 2U, 10U, 1000U}) {
    for (std::size_t hits = 0; hits <= count; hits += std::max<std::size_t>(1, count / 5)) {
      const learn::Interval interval = learn::wilson(hits, count);
      const double share = static_cast<double>(hits) / static_cast<double>(count);
      EXPECT_GE(interval.low, 0);
      EXPECT_LE(interval.low, share);
      EXPECT_GE(interval.high, share);
      EXPECT_LE(interval.high, 1);
      EXPECT_LT(interval.low, interval.high);
    }
  }
}

TEST(EvalFigures, CoinTossesSayHowOftenTwoModelsDifferSoMuch) {
  EXPECT_EQ(learn::mcnemar(0, 0), 1);
  EXPECT_NEAR(learn::mcnemar(0, 1), 1, 1e-12);
  EXPECT_NEAR(learn::mcnemar(0, 6), 2.0 / 64, 1e-12);
  EXPECT_NEAR(learn::mcnemar(1, 5), 2.0 * 7 / 64, 1e-12);
}

TEST(EvalFigures, TheTemperatureHasTheLeastLossOfAllThatAreTried) {
  const Answers answers = drawn_answers(80, 4, 3);
  std::vector<std::size_t> truth;
  for (const Answer& one : answers.pictures) truth.push_back(one.truth);
  const double best = learn::least_loss_temperature(answers.scores, truth);
  const double loss = learn::log_loss(learn::probabilities_of(answers.scores, best), truth);
  for (double other = 0.05; other < 20; other *= 1.1) {
    EXPECT_LE(loss, learn::log_loss(learn::probabilities_of(answers.scores, other), truth) + 1e-12);
  }
}

TEST(EvalFigures, ATemperatureOfPicturesThatAreAllRightIsNotGiven) {
  Answers answers = drawn_answers(12, 3, 1);
  for (Answer& one : answers.pictures) {
    one.predicted = one.truth;
    answers.scores.row(one.input)[one.truth] += 10;
  }
  const std::vector<Answers> all{answers};
  const EvalReport report = measure(all, named_pictures(12), {});
  EXPECT_FALSE(report.models[0].temperature.has_value());
  ASSERT_EQ(report.models[0].missing.size(), 1U);
  EXPECT_THAT(report.models[0].missing[0].why, HasSubstr("every picture is right"));
}

TEST(EvalFigures, CountsAddUpAndEveryPictureLiesInOneCell) {
  for (const std::size_t classes : {2U, 6U, 50U}) {
    const std::vector<Answers> all{drawn_answers(61, classes, 5), drawn_answers(61, classes, 5)};
    const EvalReport report = measure(all, named_pictures(61), {});
    const EvaluatedModel& m = report.models[0];
    std::size_t pictures = 0;
    std::size_t right = 0;
    for (const ConfusedPair& cell : m.confusion) {
      pictures += cell.paths.size();
      right += cell.truth == cell.predicted ? cell.paths.size() : 0U;
    }
    EXPECT_EQ(pictures, 61U);
    EXPECT_EQ(right, m.right);
    std::size_t supported = 0;
    for (const EvaluatedClass& c : m.known) supported += c.support;
    EXPECT_EQ(supported, 61U);
    EXPECT_EQ(m.top5.has_value(), classes > 5);
    EXPECT_EQ(m.coverage.back().coverage, 1);
    EXPECT_NEAR(m.coverage.back().accuracy, m.top1.value, 1e-15);
    // The same answers twice are told apart by nothing.
    EXPECT_TRUE(report.comparison->flips.empty());
    EXPECT_EQ(report.comparison->mcnemar, 1);
    EXPECT_FALSE(report.comparison->largest_change.has_value());
  }
}

TEST(EvalFigures, GroupsAreDrawnWholeSoThatIntervalsAreWider) {
  Answers answers = drawn_answers(200, 4, 9);
  for (Answer& one : answers.pictures) {  // four pictures of a group are right or wrong together
    one.truth = answers.pictures[one.input / 4 * 4].truth;
    one.predicted = one.input / 4 % 3 == 0 ? (one.truth + 1) % 4 : one.truth;
  }
  const std::vector<Answers> all{answers};
  const auto width = [&](const std::string& expression) {
    const MeasuredShare top1 = measure(all, named_pictures(200), {expression}).models[0].top1;
    return top1.high - top1.low;
  };
  EXPECT_GT(width("^([0-9]+)_"), 1.5 * width(""));
  EXPECT_EQ(measure(all, named_pictures(200), {"^([0-9]+)_"}).groups, 50U);
}

TEST(EvalFigures, FlipsAndTheLargestChangeAreThoseOfAPictureThatChanged) {
  const Answers first = drawn_answers(30, 6, 2);
  Answers second = first;
  Answer& changed = second.pictures[17];
  const std::size_t other = (changed.predicted + 1) % 6;
  second.scores.row(17)[other] += 9;
  changed.predicted = other;
  const std::vector<Answers> all{first, second};
  const ComparedModels c = *measure(all, named_pictures(30), {}).comparison;
  ASSERT_EQ(c.flips.size(), 1U);
  EXPECT_EQ(c.flips[0].path, "p/17");
  EXPECT_EQ(c.flips[0].second, "class " + std::to_string(other));
  ASSERT_TRUE(c.largest_change.has_value());
  EXPECT_EQ(c.largest_change->path, "p/17");
  EXPECT_EQ(c.largest_change->of, "class " + std::to_string(other));
  EXPECT_EQ(c.only_first + c.only_second,
            first.pictures[17].truth == first.pictures[17].predicted || first.pictures[17].truth == other ? 1U : 0U);
}

}  // namespace
}  // namespace fovea::test
