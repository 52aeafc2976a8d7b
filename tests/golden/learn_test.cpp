// The solver and the metrics beside scikit-learn and torchmetrics (tools/make_golden_learn.py).
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "learn/confidence.hpp"
#include "learn/cross_validation.hpp"
#include "learn/logistic.hpp"
#include "learn/metrics.hpp"
#include "learn/temperature.hpp"
#include "learn/unknown.hpp"
#include "support/shared.hpp"
#include "support/stored_numbers.hpp"

namespace fovea::learn {
namespace {

class GoldenLearn : public testing::Test {
 protected:
  [[nodiscard]] std::vector<double> values(const std::string& name) const {
    return test::stored_numbers(*golden_, name);
  }
  [[nodiscard]] Matrix matrix(const std::string& name, std::size_t cols) const {
    std::vector<double> all = values(name);
    return {all.size() / cols, cols, all};
  }
  [[nodiscard]] std::vector<std::size_t> classes() const {
    std::vector<std::size_t> all;
    for (const double c : values("classes")) all.push_back(static_cast<std::size_t>(c));
    return all;
  }
  [[nodiscard]] Examples examples(bool balanced) const {
    return {matrix("features", kWidth), classes(), class_weights(classes(), kClasses, balanced), kClasses};
  }

  static constexpr std::size_t kWidth = 12;
  static constexpr std::size_t kClasses = 4;
  std::unique_ptr<Checkpoint> golden_ = open_checkpoint(test::source_dir() / "tests/golden/learn.safetensors");
};

TEST_F(GoldenLearn, TheLossIsNoLargerThanScikitLearnsAndTheScoresAreTheSame) {
  constexpr std::array kStrengths{0.01, 1.0, 100.0};
  for (const std::string kind : {"plain", "balanced"}) {
    const Examples all = examples(kind == "balanced");
    const std::vector<double> objectives = values(kind + ".objective");
    const Matrix expected = matrix(kind + ".scores", kClasses);  // [3 · n, C], each row with mean 0
    for (std::size_t i = 0; i < kStrengths.size(); ++i) {
      const LinearHead head = LogisticRegression(all).fit(kStrengths.at(i), 1e-13);
      EXPECT_LE(logistic_objective(all, head, kStrengths.at(i)), objectives[i] + 1e-9) << kind << i;
      const Matrix scores = scores_of(head, all.features);
      for (std::size_t row = 0; row < scores.rows; ++row) {
        double mean = 0;
        for (const double score : scores.row(row)) mean += score / kClasses;
        for (std::size_t c = 0; c < kClasses; ++c) {
          ASSERT_NEAR(scores.row(row)[c] - mean, expected.row(i * scores.rows + row)[c], 1e-4) << kind << i;
        }
      }
    }
  }
}

TEST_F(GoldenLearn, MetricsEqualScikitLearnsAndTorchmetrics) {
  const Matrix scores = matrix("metric.scores", kClasses);
  const Matrix p = probabilities_of(scores, 1.0);
  const std::vector<std::size_t> truth = classes();
  const Confusion confusion = confusion_of(truth, predictions_of(p), kClasses);
  const Accuracy accuracy = accuracy_of(confusion);
  const std::array actual{accuracy.top1,
                          accuracy.balanced,
                          accuracy.macro_f1,
                          accuracy.weighted_f1,
                          log_loss(p, truth),
                          brier_score(p, truth),
                          calibration_error(p, truth),
                          roc_area(values("metric.known"), values("metric.unknown"))};
  const std::vector<double> expected = values("metric.values");
  ASSERT_EQ(expected.size(), actual.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual.at(i), expected[i], 1e-6) << i;
  const std::vector<ClassScore> of_classes = class_scores(confusion);
  for (std::size_t c = 0; c < kClasses; ++c) {
    EXPECT_NEAR(of_classes[c].precision, values("metric.precision")[c], 1e-12);
    EXPECT_NEAR(of_classes[c].recall, values("metric.recall")[c], 1e-12);
    EXPECT_NEAR(of_classes[c].f1, values("metric.f1")[c], 1e-12);
  }
}

TEST_F(GoldenLearn, DistancesAreThoseOfLedoitAndWolfsCovariance) {
  const Examples all = examples(false);
  const ClassBalls balls = fit_balls(all);
  const std::vector<double> expected = values("distances");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(distance(balls, all.features.row(i)), expected[i], 1e-8 * expected[i]);
  }
}

}  // namespace
}  // namespace fovea::learn
