#include "pipeline/learn/learn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "base/files.hpp"
#include "fovea/error.hpp"
#include "learn/folds.hpp"
#include "learn/intervals.hpp"
#include "learn/metrics.hpp"
#include "learn/near_duplicates.hpp"
#include "pipeline/learn/study.hpp"
#include "pipeline/learn/text_start.hpp"
#include "pipeline/learn/unknown_rule.hpp"

namespace fovea {
namespace {

using learn::Examples;

/// A group for each.
std::vector<std::size_t> one_each(std::size_t count) {
  std::vector<std::size_t> groups(count);
  std::iota(groups.begin(), groups.end(), std::size_t{0});
  return groups;
}

std::vector<std::size_t> named_groups(const LearnInput& input, const std::string& expression) {
  std::vector<std::string> names;
  for (const std::size_t i : input.inputs) names.push_back(input.pictures.inputs[i].name);
  return groups_by_name(names, expression);
}

/// How many belong to a group of several.
std::size_t in_company(std::span<const std::size_t> groups) {
  std::map<std::size_t, std::size_t> sizes;
  for (const std::size_t group : groups) ++sizes[group];
  return static_cast<std::size_t>(std::ranges::count_if(groups, [&](std::size_t group) { return sizes[group] > 1; }));
}

std::size_t distinct(std::span<const std::size_t> groups) {
  return std::set<std::size_t>(groups.begin(), groups.end()).size();
}

const std::string& path_of(const LearnInput& input, std::size_t row) {
  return input.pictures.inputs[input.inputs[row]].path;
}

void require_pictures(const LearnInput& input, const StudyPlan& plan) {
  const auto classes = learn::elements_of(input.classes, plan.train);
  for (std::size_t c = 0; c < input.pictures.names.size(); ++c) {
    if (std::ranges::find(classes, c) != classes.end()) continue;
    throw Error(ErrorCode::kUsage,
                fmt::format("class '{}' has no picture that can be learned from, expected at least one",
                            printable(input.pictures.names[c])),
                "repair its pictures, or take the class away");
  }
}

/// Folds of some rows only; splits name rows among all.
std::vector<learn::Split> folds_of(const LearnInput& input, const StudyPlan& plan, const LearnOptions& options) {
  const auto classes = learn::elements_of(input.classes, plan.train);
  const auto groups = learn::elements_of(plan.groups, plan.train);
  const learn::Folds folds = learn::stratified_folds(classes, groups, options.folds, options.seed);
  std::vector<learn::Split> splits = learn::splits_of(folds, options.folds);
  for (learn::Split& split : splits) {
    split.train = learn::elements_of(plan.train, split.train);
    split.test = learn::elements_of(plan.train, split.test);
  }
  return splits;
}

/// The rows to learn from and those of the validation folder. What has a near-duplicate there is not learned from: it
/// would be measured on what it knows.
/// @return  the rows of the validation folder
std::vector<std::size_t> divide(const LearnInput& input, StudyPlan& plan, LearnReport& report) {
  const std::size_t first = input.pictures.inputs.size() - input.pictures.validation;
  std::vector<std::size_t> measured;
  std::set<std::size_t> known;
  for (std::size_t row = 0; row < input.inputs.size(); ++row) {
    if (input.inputs[row] < first) continue;
    measured.push_back(row);
    known.insert(plan.groups[row]);
  }
  std::size_t left_out = 0;
  for (std::size_t row = 0; row < input.inputs.size(); ++row) {
    if (input.inputs[row] >= first) continue;
    known.contains(plan.groups[row]) ? void(++left_out) : plan.train.push_back(row);
  }
  if (left_out > 0) {
    report.remarks.push_back(fmt::format(
        "{} pictures are left out of learning, because the validation folder has near-duplicates of them", left_out));
  }
  return measured;
}

StudyPlan plan_of(const LearnInput& input, const LearnOptions& options, Learned& learned) {
  LearnReport& report = learned.report;
  StudyPlan plan;
  plan.seed = options.seed;
  const auto& pairs = learned.duplicates =
      learn::near_duplicates({input.backbones.front().features, input.hashes, input.classes});
  report.near_duplicates = in_company(learn::group_near_duplicates(pairs, one_each(input.inputs.size())));
  plan.groups = learn::group_near_duplicates(pairs, named_groups(input, options.group_by));
  const std::vector<std::size_t> measured = divide(input, plan, report);
  require_pictures(input, plan);
  report.pictures = plan.train.size();
  report.groups = distinct(learn::elements_of(plan.groups, plan.train));
  plan.folds = folds_of(input, plan, options);
  if (plan.folds.size() < 2 && !measured.empty()) {
    report.remarks.emplace_back(
        "no class has two pictures that are no near-duplicates of each other: neither penalty nor temperature is "
        "chosen");
  } else if (plan.folds.size() < 2) {
    throw Error(ErrorCode::kUsage,
                "no class has two pictures that are no near-duplicates of each other, so nothing can be measured",
                "add pictures: two of each class are the least, twenty a good beginning");
  }
  report.folds = plan.folds.size();
  if (!measured.empty()) plan.measure = {{plan.train, measured}};
  return plan;
}

/// The same plan where row n + i has the means over the views of picture i: heads learn from those, and are measured on
/// row i, which is what classify sees.
StudyPlan plan_with_views(StudyPlan plan, std::size_t n) {
  plan.groups.insert(plan.groups.end(), plan.groups.begin(), plan.groups.begin() + static_cast<std::ptrdiff_t>(n));
  const auto shift = [n](std::vector<std::size_t>& rows) {
    for (std::size_t& row : rows) row += n;
  };
  for (learn::Split& split : plan.folds) shift(split.train);
  for (learn::Split& split : plan.measure) shift(split.train);
  shift(plan.train);
  return plan;
}

/// One backbone's examples: [n], or [2 n] with the means under the features.
Examples examples_from(const BackboneFeatures& backbone, const LearnInput& input, std::span<const double> weights) {
  Examples all{backbone.features,
               {input.classes.begin(), input.classes.end()},
               {weights.begin(), weights.end()},
               input.pictures.names.size()};
  if (backbone.averaged.rows == 0) return all;
  all.features.rows += backbone.averaged.rows;
  const std::vector<double>& means = backbone.averaged.values;
  all.features.values.insert(all.features.values.end(), means.begin(), means.end());
  all.classes.insert(all.classes.end(), input.classes.begin(), input.classes.end());
  all.weights.insert(all.weights.end(), weights.begin(), weights.end());
  return all;
}

void describe_classes(const LearnInput& input, const StudyPlan& plan, const Study& study, LearnReport& report) {
  const Measurement& m = study.measurement();
  const std::vector<std::size_t> predicted = study.predicted();
  const std::vector<std::string>& names = input.pictures.names;
  report.confusion = learn::confusion_of(m.truth, predicted, names.size());
  const auto scores = learn::class_scores(report.confusion);
  const auto classes = learn::elements_of(input.classes, plan.train);
  for (std::size_t c = 0; c < names.size(); ++c) {
    const auto pictures = static_cast<std::size_t>(std::ranges::count(classes, c));
    report.classes.push_back(
        {names[c], pictures, scores[c].support, scores[c].precision, scores[c].recall, scores[c].f1});
    if (scores[c].support > 0) continue;
    if (input.pictures.validation > 0) {
      report.remarks.push_back(
          fmt::format("class '{}' has no pictures in the validation folder: it is not measured", printable(names[c])));
      continue;
    }
    const std::string name = printable(names[c]);
    report.remarks.push_back(
        pictures == 1
            ? fmt::format("class '{}' has one picture: it is learned, but nothing can be measured on it; add pictures",
                          name)
            : fmt::format("class '{}' has one group of {} pictures that are kept together: it is learned, but nothing "
                          "can be measured on it; add pictures of other things or moments",
                          name, pictures));
  }
}

void describe_errors(const LearnInput& input, const Study& study, LearnReport& report) {
  const Measurement& m = study.measurement();
  const std::vector<std::size_t> predicted = study.predicted();
  std::map<std::pair<std::size_t, std::size_t>, std::vector<std::string>> wrong;
  std::vector<SurprisingPicture> surprising;
  for (std::size_t i = 0; i < m.rows.size(); ++i) {
    if (predicted[i] == m.truth[i]) continue;
    const std::string& path = path_of(input, m.rows[i]);
    wrong[{m.truth[i], predicted[i]}].push_back(path);
    surprising.push_back({path, m.truth[i], predicted[i], m.after.row(i)[m.truth[i]]});
  }
  for (auto& [pair, paths] : wrong) {
    std::ranges::sort(paths);
    report.confused.push_back({pair.first, pair.second, std::move(paths)});
  }
  std::ranges::stable_sort(report.confused,
                           [](const auto& a, const auto& b) { return a.paths.size() > b.paths.size(); });
  report.surprising = most_surprising(std::move(surprising));
}

/// The backbones' summaries, the best first.
/// @return  the places of the backbones in that order
std::vector<std::size_t> rank(const std::vector<std::unique_ptr<Study>>& studies, const LearnInput& input,
                              const StudyPlan& plan, LearnReport& report) {
  std::vector<LearnedBackbone> all;
  std::vector<std::size_t> order(studies.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = 0; i < studies.size(); ++i) {
    all.push_back(studies[i]->summary());
    all.back().model = input.backbones[i].model;
  }
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return std::tuple(-all[a].top1.value, all[a].log_loss) < std::tuple(-all[b].top1.value, all[b].log_loss);
  });
  const Study& best = *studies[order.front()];
  const Measurement& m = best.measurement();
  const std::vector<std::size_t> predicted = best.predicted();
  for (const std::size_t i : order) {
    const auto difference = learn::bootstrap_difference({m.truth, predicted, m.groups, input.pictures.names.size()},
                                                        studies[i]->predicted(), plan.seed);
    all[i].behind = {all[order.front()].top1.value - all[i].top1.value, difference.low, difference.high};
    report.backbones.push_back(all[i]);
  }
  return order;
}

}  // namespace

Learned learn_head(const LearnInput& input, const LearnOptions& options) {
  Learned learned;
  LearnReport& report = learned.report;
  report.remarks = input.pictures.remarks;
  const StudyPlan plan = plan_of(input, options, learned);
  const std::size_t num_classes = input.pictures.names.size();
  std::vector<double> weights(input.classes.size(), 1.0);
  const auto of_train =
      learn::class_weights(learn::elements_of(input.classes, plan.train), num_classes, options.balanced);
  for (std::size_t i = 0; i < plan.train.size(); ++i) weights[plan.train[i]] = of_train[i];
  std::vector<Examples> examples;
  for (const BackboneFeatures& backbone : input.backbones) examples.push_back(examples_from(backbone, input, weights));
  const bool averaged = input.backbones.front().averaged.rows > 0;
  const StudyPlan studied = averaged ? plan_with_views(plan, input.inputs.size()) : plan;
  std::vector<std::optional<TextStart>> starts(examples.size());
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (!input.backbones[i].texts) continue;
    starts[i] = choose_text_start(examples[i], studied.folds, *input.backbones[i].texts);
    examples[i].offsets = offsets_of(*starts[i]);
  }
  std::vector<std::unique_ptr<Study>> studies;
  studies.reserve(examples.size());
  for (const Examples& one : examples) studies.push_back(std::make_unique<Study>(one, studied));
  learned.backbone = rank(studies, input, plan, report).front();
  const Study& study = *studies[learned.backbone];
  const Examples best = learn::examples_of(examples[learned.backbone], studied.train);
  report.measured = study.measurement().rows.size();
  describe_classes(input, plan, study, report);
  describe_errors(input, study, report);
  learned.measurement = study.measurement();
  learned.splits = plan.measure.empty() ? plan.folds : plan.measure;
  learned.weights = weights;
  learned.c = study.validation().c;
  if (options.compare) {
    report.baselines = study.baselines();
    report.curve = study.curve();
  }

  learn::LinearHead head = learn::fit_head(best, study.validation().c);
  if (const auto& start = starts[learned.backbone]) {
    head = with_texts(std::move(head), *start);
    report.text_weight = start->weight;
    report.baselines.push_back(study.baseline("texts alone", start->scores));
  }
  learned.head.classes = input.pictures.names;
  learned.head.weight = floats_of(head.weight.values);
  learned.head.bias = floats_of(head.bias);
  learned.head.temperature = study.temperature();
  if (options.unknown && plan.folds.size() < 2) {
    throw Error(ErrorCode::kUsage,
                "--unknown needs a class with two pictures that are no near-duplicates of each other",
                "add pictures, or leave out --unknown");
  }
  if (options.unknown) {
    const learn::UnknownChoice choice = study.unknown(*options.unknown);
    report.unknown = report_of(choice, *options.unknown);
    learned.head.unknown = rule_of(choice, best, *options.unknown);
    learned.head.rejected = choice.rejected;
  }
  return learned;
}

}  // namespace fovea
