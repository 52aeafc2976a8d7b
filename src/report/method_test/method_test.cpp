#include "report/method_test/method_test.hpp"

#include <algorithm>
#include <functional>

namespace fovea {
namespace {

constexpr std::array<MeasureInfo, kMeasures> kTable{{
    {Measure::kShare, "share", true, false},
    {Measure::kHit, "highest_patch", true, false},
    {Measure::kAuroc, "auroc", true, false},
    {Measure::kDeletion, "deletion_auc", false, true},
    {Measure::kInsertion, "insertion_auc", false, false},
    {Measure::kGain, "insertion_less_deletion", false, false},
    {Measure::kSrg, "srg", false, false},
    {Measure::kSingleDeletion, "single_deletion", false, false},
}};

struct AskedQuestion {
  std::string_view question;
  Measure measure;
  std::string_view measured_by;
};
constexpr std::array<AskedQuestion, 3> kQuestions{{
    {"Which patches make up the answer?", Measure::kGain, "insertion less deletion"},
    {"Which part of the picture is this class, and not another one?", Measure::kAuroc, "AUROC in mosaics"},
    {"What would the score lose without one small part?", Measure::kSingleDeletion, "single deletion"},
}};

Estimate difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> result(a.size());
  std::transform(a.begin(), a.end(), b.begin(), result.begin(), std::minus<>());
  return estimate_mean(result);
}

}  // namespace

std::span<const MeasureInfo, kMeasures> measures() {
  return kTable;
}

std::vector<MeasuredMethod> ranked(const MethodTest& test, Measure measure) {
  std::vector<MeasuredMethod> rows;
  for (const TestedMethod& method : test.methods) {
    if (!method.of(measure).empty()) rows.push_back({&method, estimate_mean(method.of(measure)), {}});
  }
  const bool low_is_good = kTable[static_cast<std::size_t>(measure)].low_is_good;
  std::stable_sort(rows.begin(), rows.end(), [&](const MeasuredMethod& a, const MeasuredMethod& b) {
    return low_is_good ? a.mean.mean < b.mean.mean : a.mean.mean > b.mean.mean;
  });
  for (MeasuredMethod& row : rows) {
    if (&row != &rows.front()) row.less_best = difference(row.method->of(measure), rows.front().method->of(measure));
  }
  return rows;
}

std::vector<Recommendation> recommendations(const MethodTest& test) {
  std::vector<Recommendation> all;
  for (const AskedQuestion& asked : kQuestions) {
    MethodTest methods = test;  // the best of them, whatever the controls do
    std::erase_if(methods.methods, [](const TestedMethod& method) { return method.is_control(); });
    const std::vector<MeasuredMethod> rows = ranked(methods, asked.measure);
    if (rows.empty()) continue;
    Recommendation& found =
        all.emplace_back(Recommendation{asked.question, asked.measure, asked.measured_by, {}, true});
    for (const MeasuredMethod& row : rows) {
      if (row.may_be_best()) found.methods.push_back(row.method->name);
    }
    for (const TestedMethod& control : test.methods) {
      if (!control.is_control()) continue;
      const Estimate lead = difference(rows.front().method->of(asked.measure), control.of(asked.measure));
      found.beats_controls &= lead.interval && lead.interval->low > 0;
    }
  }
  return all;
}

}  // namespace fovea
