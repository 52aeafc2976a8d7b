// The figures of `eval` beside scikit-learn, torchmetrics and scipy (tools/make_golden_eval.py).
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "learn/metrics.hpp"
#include "learn/paired.hpp"
#include "learn/temperature.hpp"
#include "pipeline/eval/evaluate.hpp"
#include "support/shared.hpp"
#include "support/stored_numbers.hpp"

namespace fovea {
namespace {

class GoldenEval : public testing::Test {
 protected:
  static constexpr std::size_t kClasses = 7;
  [[nodiscard]] std::vector<double> stored(const std::string& name) const {
    return test::stored_numbers(*golden_, name);
  }
  /// What a run of the model with these scores would have collected.
  [[nodiscard]] Answers answers(const std::string& name) const {
    Answers all;
    all.model = name;
    all.precision = "f32";
    all.classes.resize(kClasses);
    all.scores.values = stored(name);
    all.scores.cols = kClasses;
    all.scores.rows = all.scores.values.size() / kClasses;
    const learn::Matrix p = learn::probabilities_of(all.scores, 1);
    const std::vector<double> classes = stored("classes");
    for (std::size_t i = 0; i < p.rows; ++i) {
      const auto truth = static_cast<std::size_t>(classes[i]);
      const auto row = all.scores.row(i);
      std::size_t before = 0;
      for (const double score : row) before += score > row[truth] ? 1U : 0U;
      const std::size_t best = learn::largest(p.row(i));
      all.pictures.push_back({i, truth, best, p.row(i)[best], p.row(i)[truth], before < 5});
    }
    return all;
  }
  [[nodiscard]] static LabelledPictures pictures(std::size_t count) {
    LabelledPictures all;
    for (std::size_t i = 0; i < count; ++i) all.inputs.push_back({std::to_string(i), std::to_string(i), {}});
    return all;
  }

  std::unique_ptr<Checkpoint> golden_ = open_checkpoint(test::source_dir() / "tests/golden/eval.safetensors");
};

TEST_F(GoldenEval, EveryFigureOfBothModelsIsTheirs) {
  const std::vector<Answers> all{answers("first"), answers("second")};
  const EvalReport report = measure(all, pictures(all[0].pictures.size()), {});
  ASSERT_EQ(report.models.size(), 2U);
  for (const EvaluatedModel& m : report.models) {
    const std::vector<double> values = stored(m.model + ".values");
    ASSERT_TRUE(m.top5 && m.log_loss && m.brier && m.temperature && m.mean_ap) << m.model;
    const std::vector<double> own{m.top1.value,     m.top5->value,     m.macro_f1.value, m.weighted_f1.value,
                                  m.balanced.value, m.log_loss->value, *m.brier};
    for (std::size_t i = 0; i < own.size(); ++i) EXPECT_NEAR(own[i], values[i], 1e-12) << m.model << ' ' << i;
    EXPECT_NEAR(m.ece, values[7], 1e-6);  // torchmetrics counts in float
    EXPECT_NEAR(m.largest_gap, values[8], 1e-6);
    EXPECT_NEAR(m.temperature->value, values[9], 1e-5 * values[9]);
    EXPECT_NEAR(m.temperature->log_loss, values[10], 1e-10);
    EXPECT_NEAR(m.temperature->ece, values[11], 1e-4);  // at a temperature that differs in its sixth digit
    const std::vector<double> areas = stored(m.model + ".average_precision");
    const std::vector<double> wilson = stored(m.model + ".wilson");
    double sum = 0;
    for (const EvaluatedClass& c : m.known) {
      if (c.support == 0) continue;
      EXPECT_NEAR(c.average_precision.value(), areas.at(c.class_index), 1e-12);
      EXPECT_NEAR(c.recall.low, wilson.at(2 * c.class_index), 1e-12);
      EXPECT_NEAR(c.recall.high, wilson.at(2 * c.class_index + 1), 1e-12);
      sum += areas.at(c.class_index);
    }
    EXPECT_NEAR(*m.mean_ap, sum / static_cast<double>(areas.size()), 1e-12);
    EXPECT_LE(m.top1.low, m.top1.value);
    EXPECT_GE(m.top1.high, m.top1.value);
  }
  ASSERT_TRUE(report.comparison.has_value());
  const ComparedModels& c = *report.comparison;
  EXPECT_EQ(c.both_right + c.only_first + c.only_second + c.both_wrong, c.pictures);
  EXPECT_NEAR(c.difference.value, report.models[1].top1.value - report.models[0].top1.value, 1e-12);
  EXPECT_EQ(c.mcnemar, learn::mcnemar(c.only_first, c.only_second));
}

TEST_F(GoldenEval, McNemarsTestIsScipysBinomialOne) {
  const std::vector<double> pairs = stored("mcnemar.pairs");
  const std::vector<double> expected = stored("mcnemar.p");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto first = static_cast<std::size_t>(pairs[2 * i]);
    const auto second = static_cast<std::size_t>(pairs[2 * i + 1]);
    EXPECT_NEAR(learn::mcnemar(first, second), expected[i], 1e-9 * expected[i]) << first << ' ' << second;
    EXPECT_EQ(learn::mcnemar(first, second), learn::mcnemar(second, first));
  }
}

}  // namespace
}  // namespace fovea
