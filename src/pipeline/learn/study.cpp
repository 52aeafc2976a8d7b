#include "pipeline/learn/study.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <utility>

#include "base/parallel.hpp"
#include "learn/baselines.hpp"
#include "learn/confidence.hpp"
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
  if (!validation_.measured.empty())
    temperature_ =
        learn::fit_temperature(validation_.scores, learn::elements_of(examples.classes, validation_.measured));
  measure();
}

void Study::measure() {
  Matrix scores;  // [rows, C]
  std::vector<std::size_t> split_of;
  if (plan_.measure.empty()) {
    scores = validation_.scores;
    measurement_.rows = validation_.measured;
    for (const std::size_t row : measurement_.rows) {
      const auto holds = [row](const Split& split) { return std::ranges::binary_search(split.test, row); };
      split_of.push_back(static_cast<std::size_t>(std::ranges::find_if(plan_.folds, holds) - plan_.folds.begin()));
    }
  } else {
    scores = learn::out_of_fold(examples_, plan_.measure, validation_.c).front();
    measurement_.rows = plan_.measure.front().test;
    split_of.resize(measurement_.rows.size());
  }
  measurement_.truth = learn::elements_of(examples_.classes, measurement_.rows);
  measurement_.groups = learn::elements_of(plan_.groups, measurement_.rows);
  measurement_.before = learn::probabilities_of(scores, 1.0);
  // The pictures of a validation folder are all others already.
  const std::vector<double> temperatures =
      plan_.measure.empty() ? crossed_temperatures(scores, measurement_.truth, split_of, plan_.folds.size())
                            : std::vector<double>{temperature_};
  measurement_.after = std::move(scores);
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

std::vector<std::size_t> Study::in_order(const std::vector<std::vector<std::size_t>>& predicted) const {
  std::map<std::size_t, std::size_t> of_row;
  for (std::size_t k = 0; k < predicted.size(); ++k) {
    for (std::size_t i = 0; i < predicted[k].size(); ++i) of_row[splits()[k].test[i]] = predicted[k][i];
  }
  std::vector<std::size_t> all;
  for (const std::size_t row : measurement_.rows) all.push_back(of_row.at(row));
  return all;
}

std::vector<Baseline> Study::baselines() const {
  using Classify = std::function<std::vector<std::size_t>(const Examples&, const Matrix&)>;
  const std::array<std::pair<const char*, Classify>, 2> kinds{
      std::pair{"nearest class mean", Classify(learn::nearest_mean)},
      std::pair{"nearest pictures", Classify([](const Examples& train, const Matrix& test) {
                  return learn::nearest_neighbours(train, test, kNeighbours);
                })}};
  std::vector<Baseline> baselines;
  for (const auto& kind : kinds) {
    std::vector<std::vector<std::size_t>> found(splits().size());
    for_each_parallel(found.size(), [&](std::size_t k) {
      Examples train = learn::examples_of(examples_, splits()[k].train);
      const learn::Scaling scaling = learn::scaling_of(train.features);
      train.features = learn::scaled(std::move(train.features), scaling);
      found[k] = kind.second(train, learn::scaled(learn::rows_of(examples_.features, splits()[k].test), scaling));
    });
    baselines.push_back(baseline(kind.first, in_order(found)));
  }
  return baselines;
}

Baseline Study::baseline(const std::string& name, const Matrix& scores) const {
  return baseline(name, learn::predictions_of(learn::rows_of(scores, measurement_.rows)));
}

Baseline Study::baseline(const std::string& name, std::span<const std::size_t> predicted) const {
  const Measurement& m = measurement_;
  const std::vector<std::size_t> own = this->predicted();
  const auto top1 = [&](std::span<const std::size_t> predictions) {
    return learn::accuracy_of(learn::confusion_of(m.truth, predictions, examples_.num_classes)).top1;
  };
  const Interval ahead =
      learn::bootstrap_difference({m.truth, own, m.groups, examples_.num_classes}, predicted, plan_.seed);
  return {name, top1(predicted), share_of(top1(own) - top1(predicted), ahead)};
}

std::vector<CurvePoint> Study::curve() const {
  const auto pictures_of = [](const std::vector<Split>& some) {
    std::size_t pictures = 0;
    for (const Split& split : some) pictures += split.train.size();
    return pictures / some.size();
  };
  std::vector<CurvePoint> curve;
  for (const double share : kShares) {
    const auto some = learn::thinned(splits(), examples_.classes, plan_.groups, share, plan_.seed);
    std::vector<std::vector<std::size_t>> predicted;
    for (const Matrix& scores : learn::out_of_fold(examples_, some, validation_.c)) {
      predicted.push_back(learn::predictions_of(scores));
    }
    curve.push_back({share, pictures_of(some), top1_of(in_order(predicted))});
  }
  curve.push_back({1.0, pictures_of(splits()), top1_of(predicted())});
  return curve;
}

learn::UnknownChoice Study::unknown(double share) const {
  return learn::choose_unknown(examples_, plan_.folds, validation_, temperature_, share);
}

}  // namespace fovea
