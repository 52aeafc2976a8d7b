#include "pipeline/audit/audit.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <utility>

#include "base/files.hpp"
#include "fovea/error.hpp"
#include "learn/audit/false_discovery.hpp"
#include "pipeline/audit/candidates.hpp"
#include "pipeline/audit/experiments.hpp"
#include "pipeline/audit/marks.hpp"
#include "pipeline/audit/shrunk.hpp"
#include "pipeline/audit/strategies.hpp"
#include "pipeline/audit/where.hpp"
#include "pipeline/eval/class_match.hpp"

namespace fovea {
namespace {

constexpr double kLevel = 0.05;  // of false findings among findings

class Auditor {
 public:
  Auditor(const AuditInput& input, const AuditOptions& options, AskedModel& model)
      : input_(input),
        options_(options),
        model_(model),
        pictures_{input.pictures.inputs, input.embedded.inputs, input.embedded.classes, &lost_} {}

  AuditReport run(const AuditStage& stage, const std::function<void()>& step, const GiveUp& give_up) {
    report_.learned = input_.learned.report;
    check_data(input_, report_);
    lap("data");
    stage("marks", 0);
    find_marks();
    lap("marks");
    stage("maps", maps_wanted());
    maps_ = map_pictures(pictures_, options_.maps, options_.seed, model_, step, give_up);
    describe_maps(maps_, num_classes(), report_);
    measures_ = map_measures(maps_);
    for (const MapExcess& one : compare_maps(maps_, measures_, num_classes())) {
      candidates_.push_back(candidate_of(one, measures_[one.measure], maps_, pictures_));
    }
    if (!options_.only) strategies();
    lap("maps");
    choose();
    if (options_.only) keep_only(*options_.only);
    stage("experiments", 0);
    experiment();
    lap("experiments");
    tell_lost();
    return std::move(report_);
  }

 private:
  [[nodiscard]] std::size_t num_classes() const { return input_.pictures.names.size(); }
  [[nodiscard]] const std::string& path_of_row(std::size_t row) const {
    return pictures_.inputs[pictures_.chosen[row]].path;
  }
  [[nodiscard]] std::size_t maps_wanted() const {
    std::size_t wanted = 0;
    for (std::size_t c = 0; c < num_classes(); ++c) {
      wanted += std::min(options_.maps, static_cast<std::size_t>(std::ranges::count(pictures_.classes, c)));
    }
    return wanted;
  }
  void lap(const std::string& what) {
    const auto now = std::chrono::steady_clock::now();
    report_.seconds[what] = std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

  void find_marks() {
    const ShrunkPictures shrunk = shrink_all(pictures_.inputs, pictures_.chosen, lost_);
    std::vector<std::size_t> classes;
    for (const std::size_t row : shrunk.rows) classes.push_back(pictures_.classes[row]);
    marks_ = look_for_marks(shrunk.small, classes, num_classes(), options_.seed);
    for (Mark& mark : marks_) {
      for (std::size_t& carrier : mark.carriers) carrier = shrunk.rows[carrier];
      candidates_.push_back(candidate_of(mark, pictures_));
    }
  }
  void tell_lost() {
    if (lost_.empty()) return;
    report_.learned.remarks.push_back(
        fmt::format("{} of the pictures could not be read a second time, for marks, maps or experiments. The first: {}",
                    lost_.size(), lost_.begin()->second));
  }

  void strategies() {
    const Measurement& m = input_.learned.measurement;
    std::vector<std::uint8_t> right(pictures_.classes.size());
    for (std::size_t i = 0; i < m.rows.size(); ++i) {
      right[m.rows[i]] = learn::largest(m.after.row(i)) == m.truth[i] ? 1 : 0;
    }
    describe_strategies(
        maps_, num_classes(), right, [this](std::size_t row) { return path_of_row(row); }, options_.seed, report_);
  }

  /// What stands out after the correction becomes a finding: all that Benjamini and Hochberg let pass, with intervals
  /// whose level is corrected for how many these are (Benjamini and Yekutieli 2005).
  void choose() {
    std::vector<double> p_values;
    for (const Candidate& candidate : candidates_) p_values.push_back(candidate.excess.p);
    const std::vector<double> adjusted = learn::false_discovery_adjusted(p_values);
    const auto passed = std::ranges::count_if(adjusted, [](double p) { return p <= kLevel; });
    report_.tried = candidates_.size();
    const double level =
        kLevel * static_cast<double>(std::max<std::ptrdiff_t>(passed, 1)) / static_cast<double>(candidates_.size());
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      Candidate& candidate = candidates_[i];
      const learn::Interval interval = learn::interval_of_excess(candidate.excess, level);
      AuditFinding& finding = candidate.finding;
      finding.own = candidate.excess.own;
      finding.others = candidate.excess.others;
      // Shares differ by no more than 1.
      finding.effect = {candidate.excess.excess(), std::max(interval.low, -1.0), std::min(interval.high, 1.0)};
      finding.p = candidate.excess.p;
      finding.adjusted = adjusted[i];
      const bool excludes_0 = interval.low > 0 || interval.high < 0;
      // A mark that a class lacks is a mark of the others, and is looked for there.
      const bool of_this_class = candidate.mark == nullptr || interval.low > 0;
      if (adjusted[i] <= kLevel && excludes_0 && of_this_class) chosen_.push_back(&candidate);
    }
    std::ranges::stable_sort(chosen_, std::greater{}, [](const Candidate* one) {
      const MeasuredShare& effect = one->finding.effect;
      return effect.low > 0 ? effect.low : -effect.high;
    });
    drop_what_is_seen_twice();
  }
  /// The first of two findings that are one thing stays; a border stays before the pattern that its edge makes.
  void drop_what_is_seen_twice() {
    std::vector<Candidate*> once;
    for (Candidate* one : chosen_) {
      const auto twin = std::ranges::find_if(once, [&](const Candidate* other) {
        return one->mark != nullptr && other->mark != nullptr && same_thing(*one->mark, *other->mark);
      });
      if (twin == once.end()) {
        once.push_back(one);
      } else if (one->mark->kind == MarkKind::kFrame) {
        *twin = one;
      }
    }
    chosen_ = std::move(once);
  }

  void keep_only(const OnlyFinding& only) {
    std::erase_if(chosen_, [&](const Candidate* one) {
      return one->finding.of_class != only.of_class || one->finding.id != only.id;
    });
  }

  void experiment() {
    for (Candidate* one : chosen_) {
      try_one(*one);
      report_.findings.push_back(std::move(one->finding));
    }
    report_.passes = model_.passes();
  }
  void try_one(Candidate& candidate) {
    const Suspect suspect = suspect_of(candidate, maps_, pictures_);
    const std::size_t passes = passes_of(suspect);
    if (passes == 0) return not_tried(candidate, "nothing in the picture can be hidden for it");
    if (passes > model_.left()) {
      return not_tried(candidate, fmt::format("its experiments take {} forward passes, and {} of --budget are left",
                                              passes, model_.left()));
    }
    candidate.finding.trials = try_suspect(suspect, pictures_, model_, options_.seed);
    candidate.finding.verdict = verdict_of(candidate.finding.trials, candidate.mark != nullptr);
  }
  void not_tried(const Candidate& candidate, std::string why) {
    report_.untried.push_back({fmt::format("'{}', {}", printable(input_.pictures.names[candidate.finding.of_class]),
                                           candidate.finding.what),
                               std::move(why)});
  }

  const AuditInput& input_;
  const AuditOptions& options_;
  AskedModel& model_;
  LostPictures lost_;
  ExperimentPictures pictures_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  std::vector<Mark> marks_;
  PictureMaps maps_;
  std::vector<MapMeasure> measures_;
  std::vector<Candidate> candidates_;
  std::vector<Candidate*> chosen_;  // the strongest first
  AuditReport report_;
};

}  // namespace

std::vector<std::size_t> own_classes(const LabelledPictures& pictures, const ModelInfo& model) {
  if (model.labels.empty() || model.multi_label || model.regression) return {};
  try {
    std::vector<std::size_t> of_label = match_classes(pictures.names, model.labels, model.name).of_label;
    const std::set<std::size_t> distinct(of_label.begin(), of_label.end());
    if (distinct.size() != of_label.size()) return {};
    // Folders that are called 1, 2 and 10 are hardly meant as indices of the model's classes.
    const std::vector<std::string> names = distinct_names(model.labels);
    for (std::size_t c = 0; c < of_label.size(); ++c) {
      const std::string& name = pictures.names[c];
      const bool is_number = name.find_first_not_of("0123456789") == std::string::npos;
      if (is_number && names[of_label[c]] != name) return {};
    }
    return of_label;
  } catch (const Error&) {
    return {};
  }
}

std::size_t class_named(const std::string& name, std::string_view flag, const LabelledPictures& pictures) {
  const auto place = std::ranges::find(pictures.names, name);
  if (place == pictures.names.end()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} names the class '{}', which the pictures do not have", flag, printable(name)),
                "a class is called as its folder is");
  }
  return static_cast<std::size_t>(place - pictures.names.begin());
}

OnlyFinding parse_only(const std::string& text, const LabelledPictures& pictures) {
  const auto colon = text.rfind(':');
  const std::vector<std::string> ids = finding_ids();
  const std::string id = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (std::ranges::find(ids, id) == ids.end()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--only is '{}', expected CLASS:WHAT with WHAT one of {}", printable(text),
                            fmt::join(ids, ", ")),
                "each finding of a report ends with the command that repeats it");
  }
  return {class_named(text.substr(0, colon), "--only", pictures), id};
}

AuditReport audit(const AuditInput& input, const AuditOptions& options, AskedModel& model, const AuditStage& stage,
                  const std::function<void()>& step, const GiveUp& give_up) {
  return Auditor(input, options, model).run(stage, step, give_up);
}

std::vector<std::string> pictured_paths(const AuditReport& report) {
  constexpr std::size_t kFirst = 12;   // what a section shows before more is asked for
  constexpr std::size_t kAll = 100000;
  std::vector<std::string> paths;
  const auto add = [&](const std::vector<std::string>& some, std::size_t most) {
    const auto end = some.begin() + static_cast<std::ptrdiff_t>(std::min(most, some.size()));
    paths.insert(paths.end(), some.begin(), end);
  };
  const auto add_each = [&](const auto& items, std::size_t most, const auto& paths_of) {
    for (std::size_t i = 0; i < std::min(most, items.size()); ++i) add(paths_of(items[i]), kFirst);
  };
  // There are more pictures than a page has room for: at first what all sections begin with.
  for (const std::size_t most : {kFirst, kAll}) {
    add_each(report.findings, most, [](const AuditFinding& one) { return one.paths; });
    add_each(report.label_issues, most, [](const AuditLabelIssue& one) { return std::vector{one.path}; });
    add_each(report.duplicates, most, [](const AuditDuplicate& one) { return std::vector{one.path, one.other}; });
    add_each(report.outliers, most, [](const AuditOutlier& one) { return std::vector{one.path}; });
    add_each(report.strategies, most, [](const AuditStrategy& one) { return one.paths; });
    add_each(report.directions, most, [](const AuditDirection& one) { return one.paths; });
    add_each(report.learned.confused, most, [](const ConfusedPair& one) { return one.paths; });
  }
  return paths;
}

}  // namespace fovea
