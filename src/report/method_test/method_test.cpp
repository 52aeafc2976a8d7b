#include "report/method_test/method_test.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

namespace fovea {
namespace {

constexpr std::array<MeasureInfo, kMeasures> kTable{{
    {Measure::kShare, "share", "mosaics"},
    {Measure::kHit, "highest_patch", "mosaics"},
    {Measure::kAuroc, "auroc", "mosaics"},
    {Measure::kDeletion, "deletion_auc", "pictures", true},
    {Measure::kInsertion, "insertion_auc", "pictures"},
    {Measure::kGain, "insertion_less_deletion", "pictures"},
    {Measure::kSrg, "srg", "pictures"},
    {Measure::kSingleDeletion, "single_deletion", "pictures"},
    {Measure::kMarkShare, "mark_share", "marked pictures"},
    {Measure::kMarkHit, "mark_highest_patch", "marked pictures"},
    {Measure::kMarkAuroc, "mark_auroc", "marked pictures"},
    {Measure::kMarkPrecision, "mark_average_precision", "marked pictures"},
}};

struct AskedQuestion {
  std::string_view question;
  Measure measure;
  std::string_view measured_by;
};
constexpr std::array<AskedQuestion, 4> kQuestions{{
    {"Which patches make up the answer?", Measure::kGain, "insertion less deletion"},
    {"Which part of the picture is this class, and not another one?", Measure::kAuroc, "AUROC in mosaics"},
    {"Where is the one thing that decides the answer?", Measure::kMarkPrecision,
     "average precision for a planted mark"},
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

const std::vector<TestTable>& test_tables() {
  static const std::vector<TestTable> all{
      {"Deletion and insertion",
       {{"deletion", Measure::kDeletion},
        {"insertion", Measure::kInsertion},
        {"SRG", Measure::kSrg},
        {"difference", Measure::kGain}},
       "The mean probability of the best class while patches are painted over, or shown, best first. A good map has a "
       "low deletion and a high insertion. SRG is deletion from the other end less deletion."},
      {"Mosaics of four pictures",
       {{"share", Measure::kShare}, {"highest", Measure::kHit}, {"AUROC", Measure::kAuroc}},
       "Does the map of a class lie on the quarter that is this class: the share of its positive values, its highest "
       "patch, its ranks? Chance is 0.25, 0.25 and 0.5. Maps that are nowhere zero have a low share for that alone."},
      {"A planted mark",
       {{"share", Measure::kMarkShare},
        {"highest", Measure::kMarkHit},
        {"AUROC", Measure::kMarkAuroc},
        {"AP", Measure::kMarkPrecision}},
       "A head on the model's frozen features has learned whether a mark is in the picture, and nothing else decides "
       "its answer. Does the map of that answer lie on the mark? AP is average precision."},
      {"Single deletion",
       {{"correlation", Measure::kSingleDeletion}},
       "What the score loses where one cell of 2x2 patches is dropped, beside the map (Spearman). This is a small, "
       "local change: methods that know what the whole score is made of need not lead."}};
  return all;
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
    MethodTest methods;  // the best of them, whatever the controls do
    std::copy_if(test.methods.begin(), test.methods.end(), std::back_inserter(methods.methods),
                 [](const TestedMethod& method) { return !method.is_control(); });
    const std::vector<MeasuredMethod> rows = ranked(methods, asked.measure);
    if (rows.empty() || !rows.front().mean.interval) continue;  // one case says nothing about others
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
