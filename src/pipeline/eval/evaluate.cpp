#include "pipeline/eval/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "fovea/error.hpp"
#include "learn/confidence.hpp"
#include "learn/intervals.hpp"
#include "learn/metrics.hpp"
#include "learn/temperature.hpp"
#include "pipeline/eval/class_match.hpp"

namespace fovea {
namespace {

using learn::Interval;

MeasuredShare with(double value, const Interval& interval) {
  return {value, interval.low, interval.high};
}

MeasuredShare wilson_share(std::size_t hits, std::size_t count) {
  return with(count == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(count), learn::wilson(hits, count));
}

/// One model's answers as columns. Classes are numbered by `present`, those that some picture is of or was taken for.
class Evaluation {
 public:
  Evaluation(const Answers& answers, const EvalPlan& plan) : answers_(answers), plan_(plan) {
    std::set<std::size_t> classes;
    for (const Answer& one : answers.pictures) classes.insert({one.truth, one.predicted});
    present_.assign(classes.begin(), classes.end());
    const auto place = [&](std::size_t c) {
      return static_cast<std::size_t>(std::ranges::lower_bound(present_, c) - present_.begin());
    };
    for (const Answer& one : answers.pictures) {
      truth_.push_back(place(one.truth));
      predicted_.push_back(place(one.predicted));
      groups_.push_back(plan.groups[one.input]);
      judged_.push_back({one.confidence, one.truth == one.predicted});
    }
    counts_ = learn::counts_of(truth_, predicted_, present_.size());
  }

  EvaluatedModel result() {
    model_.model = answers_.model;
    model_.precision = answers_.precision;
    model_.classes = answers_.all_classes ? answers_.classes.size() : 0;
    model_.pictures = answers_.pictures.size();
    count();
    describe_classes();
    describe_probabilities();
    describe_distribution();
    describe_errors();
    return std::move(model_);
  }

 private:
  [[nodiscard]] const std::string& path_of(std::size_t i) const {
    return plan_.inputs[answers_.pictures[i].input].path;
  }
  void miss(std::string figure, std::string why) { model_.missing.push_back({std::move(figure), std::move(why)}); }

  void count() {
    const auto accuracy = learn::accuracy_of(counts_);
    const auto intervals = learn::bootstrap({truth_, predicted_, groups_, present_.size()}, plan_.seed);
    model_.right = static_cast<std::size_t>(std::ranges::count_if(judged_, &learn::Judged::right));
    model_.top1 = with(accuracy.top1, intervals.top1);
    model_.top1_wilson = wilson_share(model_.right, model_.pictures);
    model_.macro_f1 = with(accuracy.macro_f1, intervals.macro_f1);
    model_.weighted_f1 = with(accuracy.weighted_f1, intervals.weighted_f1);
    model_.balanced = with(accuracy.balanced, intervals.balanced);
    for (const Answer& one : answers_.pictures) {
      if (one.decided_by) ++model_.decided_by[*one.decided_by];
    }
    if (std::ranges::any_of(answers_.pictures, [](const Answer& one) { return one.unknown.has_value(); })) {
      model_.unknown.emplace();
      for (const Answer& one : answers_.pictures) {
        if (!one.unknown.value_or(false)) continue;
        ++model_.unknown->pictures;
        model_.unknown->wrong += one.truth == one.predicted ? 0U : 1U;
      }
    }
    count_top5();
  }

  void count_top5() {
    constexpr std::size_t kFewest = 6;  // classes: with five each picture is among the five best
    if (answers_.all_classes && answers_.classes.size() < kFewest) return;
    std::vector<double> hits;
    for (const Answer& one : answers_.pictures) {
      if (!one.in_top5) {
        miss("right among 5 best", "some rows have fewer than 5 classes, and not the true one (-k 5)");
        return;
      }
      hits.push_back(*one.in_top5 ? 1 : 0);
    }
    model_.top5 = mean_of(hits);
  }

  [[nodiscard]] MeasuredShare mean_of(const std::vector<double>& values) const {
    return mean_share(values, groups_, plan_.seed);
  }

  void describe_classes() {
    const std::vector<std::string> names = distinct_names(answers_.classes);
    const auto scores = learn::class_scores(counts_);
    for (std::size_t c = 0; c < present_.size(); ++c) {
      model_.known.push_back({names[present_[c]], present_[c], counts_[c].support, counts_[c].predicted,
                              scores[c].precision, wilson_share(counts_[c].right, counts_[c].support), scores[c].f1,
                              std::nullopt});
    }
  }

  /// What follows from the best class's probability alone.
  void describe_probabilities() {
    const auto bins = learn::calibration_bins(judged_);
    for (const auto& bin : bins) {
      model_.reliability.push_back({bin.low, bin.high, bin.answers, bin.confidence, bin.accuracy});
    }
    model_.ece = learn::calibration_error(bins);
    model_.largest_gap = learn::largest_calibration_gap(bins);
    const auto curve = learn::coverage_curve(judged_);
    const auto share = [&](std::size_t answers) {
      return static_cast<double>(answers) / static_cast<double>(model_.pictures);
    };
    for (const double wanted : {0.9, 0.95, 0.99}) {
      RightAbove& above = model_.right_above.emplace_back();
      above.wanted = wanted;
      const auto* const point = learn::widest(curve, wanted);
      if (point == nullptr) continue;
      above.pictures = point->answers;
      above.coverage = share(point->answers);
      above.threshold = point->threshold;
      above.accuracy = wilson_share(point->right, point->answers);
    }
    constexpr std::size_t kSteps = 100;
    const std::size_t step = (curve.size() + kSteps - 1) / kSteps;
    for (std::size_t i = 0; i < curve.size(); ++i) {
      if (i % step != 0 && i + 1 != curve.size()) continue;
      model_.coverage.push_back({share(curve[i].answers), curve[i].threshold, curve[i].accuracy()});
    }
  }

  /// What needs other classes' probabilities, too.
  void describe_distribution() {
    const bool own = std::ranges::all_of(answers_.pictures, [](const Answer& one) { return one.own.has_value(); });
    if (answers_.function == ScoreFunction::kSigmoid) {
      miss("log-loss, Brier score, temperature",
           "each class has a probability of its own (sigmoid), and they do not "
           "sum to 1");
    } else if (own) {
      std::vector<double> losses;
      for (const Answer& one : answers_.pictures) losses.push_back(learn::surprise(*one.own));
      model_.log_loss = mean_of(losses);
    } else {
      miss("log-loss", "some rows lack the probability of their true class; rows of all classes have it (-k)");
    }
    if (answers_.scores.rows == 0) {
      miss(answers_.function == ScoreFunction::kSigmoid ? "AP" : "AP, Brier score, temperature",
           "the rows lack some classes; rows of all classes have them (-k)");
      return;
    }
    const std::vector<std::size_t> truth = classes_by_index();
    if (answers_.function == ScoreFunction::kSigmoid) {
      describe_areas(answers_.scores, truth);
      return;
    }
    const learn::Matrix p = learn::probabilities_of(answers_.scores, 1);
    model_.brier = learn::brier_score(p, truth);
    describe_areas(p, truth);
    fit_temperature(truth);
  }

  [[nodiscard]] std::vector<std::size_t> classes_by_index() const {
    std::vector<std::size_t> truth;
    for (const Answer& one : answers_.pictures) truth.push_back(one.truth);
    return truth;
  }

  void describe_areas(const learn::Matrix& scores, std::span<const std::size_t> truth) {
    double sum = 0;
    double classes = 0;
    for (EvaluatedClass& one : model_.known) {
      if (one.support == 0) continue;
      one.average_precision = learn::average_precision(scores, truth, one.class_index);
      sum += *one.average_precision;
      ++classes;
    }
    model_.mean_ap = sum / classes;
  }

  void fit_temperature(std::span<const std::size_t> truth) {
    const double value = learn::least_loss_temperature(answers_.scores, truth);
    constexpr double kNear = 1.001;
    if (value < learn::kLeastTemperature * kNear) {
      miss("temperature", "every picture is right, so the log-loss falls without end");
      return;
    }
    if (value > learn::kLargestTemperature / kNear) {
      miss("temperature", "the scores say nothing of the classes, so equal probabilities have the least log-loss");
      return;
    }
    const learn::Matrix p = learn::probabilities_of(answers_.scores, value);
    model_.temperature = FittedTemperature{value, learn::log_loss(p, truth), learn::calibration_error(p, truth)};
  }

  void describe_errors() {
    std::map<std::pair<std::size_t, std::size_t>, std::vector<std::string>> cells;
    for (std::size_t i = 0; i < truth_.size(); ++i) {
      cells[{truth_[i], predicted_[i]}].push_back(path_of(i));
      const std::optional<double>& own = answers_.pictures[i].own;
      if (truth_[i] != predicted_[i] && own) {
        model_.surprising.push_back({path_of(i), truth_[i], predicted_[i], *own});
      }
    }
    for (auto& [cell, paths] : cells) model_.confusion.push_back({cell.first, cell.second, std::move(paths)});
    std::ranges::stable_sort(model_.confusion, [](const ConfusedPair& a, const ConfusedPair& b) {
      return std::tuple(a.truth == a.predicted, b.paths.size()) < std::tuple(b.truth == b.predicted, a.paths.size());
    });
    model_.surprising = most_surprising(std::move(model_.surprising));
  }

  const Answers& answers_;
  const EvalPlan& plan_;
  std::vector<std::size_t> present_;
  std::vector<std::size_t> truth_;  // [n] by `present`, as the next
  std::vector<std::size_t> predicted_;
  std::vector<std::size_t> groups_;
  std::vector<learn::Judged> judged_;
  std::vector<learn::ClassCounts> counts_;  // by `present`
  EvaluatedModel model_;
};

}  // namespace

MeasuredShare mean_share(std::span<const double> values, std::span<const std::size_t> groups, std::uint64_t seed) {
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return with(sum / static_cast<double>(values.size()), learn::bootstrap_mean(values, groups, seed));
}

EvaluatedModel evaluate(const Answers& answers, const EvalPlan& plan) {
  return Evaluation(answers, plan).result();
}

EvalReport measure(std::span<const Answers> all, const LabelledPictures& pictures, const EvalOptions& options) {
  EvalReport report;
  report.labels = pictures.source;
  report.remarks = pictures.remarks;
  std::vector<std::string> names;
  for (const Input& input : pictures.inputs) names.push_back(input.name);
  const std::vector<std::size_t> groups = groups_by_name(names, options.group_by);
  if (!options.group_by.empty()) report.groups = std::set<std::size_t>(groups.begin(), groups.end()).size();
  const EvalPlan plan{pictures.inputs, groups, options.seed};
  std::set<std::size_t> failed;
  for (const Answers& one : all) {
    if (one.pictures.empty()) {
      throw Error(ErrorCode::kDecode, fmt::format("{}: the number of pictures that could be measured is 0 of {}, "
                                                  "expected at least 1",
                                                  printable(one.model), pictures.inputs.size()));
    }
    report.models.push_back(evaluate(one, plan));
    report.remarks.insert(report.remarks.end(), one.remarks.begin(), one.remarks.end());
    for (const Record& record : one.failures) {
      if (failed.insert(record.index).second) report.failures.push_back(record);
    }
  }
  if (all.size() == 2) report.comparison = compare(all[0], all[1], plan, options.maps);
  return report;
}

}  // namespace fovea
