#include "pipeline/learn/study.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "base/parallel.hpp"
#include "learn/baselines.hpp"
#include "learn/intervals.hpp"
#include "learn/metrics.hpp"
#include "learn/temperature.hpp"

namespace fovea {
namespace {

using learn::Examples;
using learn::Interval;
using learn::Matrix;
using learn::Split;

constexpr std::size_t kNeighbours = 10;
constexpr std::array kShares{0.12, 0.25, 0.5};  // of the learning curve, before the whole

MeasuredShare share_of(double value, const Interval& interval) {
  return {value, interval.low, interval.high};
}

/// Temperatures for the rows that each split holds out, from the rows of all others.
std::vector<double> crossed_temperatures(const Matrix& scores, std::span<const std::size_t> truth,
                                         std::span<const std::size_t> split_of, std::size_t splits) {
  std::vector<double> temperatures(splits);
  for_each_parallel(splits, [&](std::size_t k) {
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      if (split_of[i] != k) others.push_back(i);
    }
    const std::vector<std::size_t> classes = learn::elements_of(truth, others);
    temperatures[k] = others.empty() ? 1.0 : learn::fit_temperature(learn::rows_of(scores, others), classes);
  });
  return temperatures;
}

}  // namespace

Study::Study(const Examples& examples, const StudyPlan& plan)
    : examples_(examples), plan_(plan), validation_(learn::cross_validate(examples, plan.folds)) {
  temperature_ = learn::fit_temperature(validation_.scores, learn::elements_of(examples.classes, validation_.measured));
  measure();
}

void Study::measure() {
  const std::vector<Matrix> scores = learn::out_of_fold(examples_, plan_.measure, validation_.c);
  Matrix all{0, examples_.num_classes};
  std::vector<std::size_t> split_of;
  for (std::size_t k = 0; k < plan_.measure.size(); ++k) {
    for (const std::size_t row : plan_.measure[k].test) {
      measurement_.rows.push_back(row);
      measurement_.truth.push_back(examples_.classes[row]);
      measurement_.groups.push_back(plan_.groups[row]);
      split_of.push_back(k);
    }
    all.rows += scores[k].rows;
    all.values.insert(all.values.end(), scores[k].values.begin(), scores[k].values.end());
  }
  measurement_.before = learn::probabilities_of(all, 1.0);
  // The pictures of a validation folder are all others already.
  const std::vector<double> temperatures =
      plan_.measure.size() == 1 ? std::vector<double>{temperature_}
                                : crossed_temperatures(all, measurement_.truth, split_of, plan_.measure.size());
  measurement_.after = std::move(all);
  for (std::size_t i = 0; i < measurement_.after.rows; ++i) {
    const auto row = measurement_.after.row(i);
    const Matrix one = learn::probabilities_of({1, row.size(), {row.begin(), row.end()}}, temperatures[split_of[i]]);
    std::ranges::copy(one.values, row.begin());
  }
}

std::vector<std::size_t> Study::predicted() const {
  return learn::predictions_of(measurement_.before);
}

MeasuredShare Study::top1_of(std::span<const std::size_t> predicted) const {
  const Measurement& m = measurement_;
  const auto confusion = learn::confusion_of(m.truth, predicted, examples_.num_classes);
  const auto intervals = learn::bootstrap({m.truth, predicted, m.groups, examples_.num_classes}, plan_.seed);
  return share_of(learn::accuracy_of(confusion).top1, intervals.top1);
}

LearnedBackbone Study::summary() const {
  const Measurement& m = measurement_;
  const std::vector<std::size_t> best = predicted();
  const auto accuracy = learn::accuracy_of(learn::confusion_of(m.truth, best, examples_.num_classes));
  const auto intervals = learn::bootstrap({m.truth, best, m.groups, examples_.num_classes}, plan_.seed);
  LearnedBackbone backbone;
  backbone.width = examples_.features.cols;
  backbone.c = validation_.c;
  backbone.temperature = temperature_;
  backbone.top1 = share_of(accuracy.top1, intervals.top1);
  backbone.macro_f1 = share_of(accuracy.macro_f1, intervals.macro_f1);
  backbone.balanced = share_of(accuracy.balanced, intervals.balanced);
  backbone.log_loss_before = learn::log_loss(m.before, m.truth);
  backbone.log_loss = learn::log_loss(m.after, m.truth);
  backbone.calibration_before = learn::calibration_error(m.before, m.truth);
  backbone.calibration = learn::calibration_error(m.after, m.truth);
  backbone.brier = learn::brier_score(m.after, m.truth);
  return backbone;
}

std::vector<Baseline> Study::baselines() const {
  using Classify = std::function<std::vector<std::size_t>(const Examples&, const Matrix&)>;
  const std::array<std::pair<const char*, Classify>, 2> kinds{
      std::pair{"nearest class mean", Classify(learn::nearest_mean)},
      std::pair{"nearest pictures", Classify([](const Examples& train, const Matrix& test) {
                  return learn::nearest_neighbours(train, test, kNeighbours);
                })}};
  const std::size_t splits = plan_.measure.size();
  std::vector<std::vector<std::size_t>> found(kinds.size() * splits);
  for_each_parallel(found.size(), [&](std::size_t i) {
    const Split& split = plan_.measure[i % splits];
    Examples train = learn::examples_of(examples_, split.train);
    const learn::Scaling scaling = learn::scaling_of(train.features);
    train.features = learn::scaled(std::move(train.features), scaling);
    found[i] =
        kinds.at(i / splits).second(train, learn::scaled(learn::rows_of(examples_.features, split.test), scaling));
  });
  const Measurement& m = measurement_;
  const std::vector<std::size_t> own = predicted();
  std::vector<Baseline> baselines;
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    std::vector<std::size_t> classes;
    for (std::size_t k = 0; k < splits; ++k) {
      const auto& some = found[kind * splits + k];
      classes.insert(classes.end(), some.begin(), some.end());
    }
    const auto top1 = [&](std::span<const std::size_t> predictions) {
      return learn::accuracy_of(learn::confusion_of(m.truth, predictions, examples_.num_classes)).top1;
    };
    const Interval ahead =
        learn::bootstrap_difference({m.truth, own, m.groups, examples_.num_classes}, classes, plan_.seed);
    baselines.push_back({kinds.at(kind).first, top1(classes), share_of(top1(own) - top1(classes), ahead)});
  }
  return baselines;
}

std::vector<CurvePoint> Study::curve() const {
  std::vector<CurvePoint> curve;
  for (const double share : kShares) {
    const auto splits = learn::thinned(plan_.measure, examples_.classes, plan_.groups, share, plan_.seed);
    std::vector<std::size_t> predicted;
    std::size_t pictures = 0;
    for (const Matrix& scores : learn::out_of_fold(examples_, splits, validation_.c)) {
      const auto some = learn::predictions_of(scores);
      predicted.insert(predicted.end(), some.begin(), some.end());
    }
    for (const Split& split : splits) pictures += split.train.size();
    curve.push_back({share, pictures / splits.size(), top1_of(predicted)});
  }
  std::size_t all = 0;
  for (const Split& split : plan_.measure) all += split.train.size();
  curve.push_back({1.0, all / plan_.measure.size(), top1_of(predicted())});
  return curve;
}

learn::UnknownChoice Study::unknown(double share) const {
  return learn::choose_unknown(examples_, plan_.folds, validation_, temperature_, share);
}

}  // namespace fovea
