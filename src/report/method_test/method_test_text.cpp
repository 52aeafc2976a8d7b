// A test of methods as tables for people.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "report/method_test/method_test.hpp"

namespace fovea {
namespace {

struct Column {
  std::string_view title;
  Measure measure;
  [[nodiscard]] std::size_t width() const { return std::max<std::size_t>(title.size(), 6); }  // of -0.123
};

/// The last column ranks, and has its interval and the difference to the best.
struct Table {
  std::string_view title;
  std::vector<Column> columns;
  std::string_view meaning;
};

const std::vector<Table>& tables() {
  static const std::vector<Table> all{
      {"Deletion and insertion",
       {{"deletion", Measure::kDeletion},
        {"insertion", Measure::kInsertion},
        {"SRG", Measure::kSrg},
        {"difference", Measure::kGain}},
       "  The mean probability of the best class while patches are painted over, or shown, best first. A good map has\n"
       "  a low deletion and a high insertion. SRG is deletion from the other end less deletion.\n"},
      {"Mosaics of four pictures",
       {{"share", Measure::kShare}, {"highest", Measure::kHit}, {"AUROC", Measure::kAuroc}},
       "  Does the map of a class lie on the quarter that is this class: the share of its positive values, its "
       "highest\n"
       "  patch, its ranks? Chance is 0.25, 0.25 and 0.5. Maps that are nowhere zero have a low share for that "
       "alone.\n"},
      {"Single deletion",
       {{"correlation", Measure::kSingleDeletion}},
       "  What the score loses where one cell of 2x2 patches is dropped, beside the map (Spearman). This is a small,\n"
       "  local change: methods that know what the whole score is made of need not lead.\n"}};
  return all;
}

std::string row_text(const Table& table, const MeasuredMethod& row, std::size_t width) {
  std::string text = fmt::format("  {:{}}", shown_method(row.method->name), width);
  for (const Column& column : table.columns) {
    text += fmt::format("  {:{}.3f}", estimate_mean(row.method->of(column.measure)).mean, column.width());
  }
  text += fmt::format("  {:16}", range_text(row.mean));
  if (row.less_best) {
    text += fmt::format("  {:+.3f}", row.less_best->mean);
    if (row.less_best->interval) {
      text += fmt::format(" ({}){}", range_text(*row.less_best), row.may_be_best() ? ", cannot be told apart" : "");
    }
  }
  return text.substr(0, text.find_last_not_of(' ') + 1) + '\n';
}

std::string table_text(const MethodTest& test, const Table& table, std::size_t width) {
  const std::vector<MeasuredMethod> rows = ranked(test, table.columns.back().measure);
  if (rows.empty()) return {};
  std::string text = fmt::format("{}\n{}  {:{}}", table.title, table.meaning, "method", width);
  for (const Column& column : table.columns) text += fmt::format("  {:>{}}", column.title, column.width());
  text += fmt::format("  {:16}  less the best\n", fmt::format("{:.0f} % interval", 100 * kConfidence));
  for (const MeasuredMethod& row : rows) text += row_text(table, row, width);
  return text + '\n';
}

std::string recommendation_text(const Recommendation& found) {
  std::string text = fmt::format("{} {}", found.question, found.methods.front());
  if (found.methods.size() > 1) {
    const std::vector<std::string> others(found.methods.begin() + 1, found.methods.end());
    text += fmt::format(", from which {} cannot be told apart", fmt::join(others, ", "));
  }
  text += fmt::format(" ({})", found.measured_by);
  return text + (found.beats_controls ? ".\n" : "; but none is clearly better than maps that know nothing.\n");
}

}  // namespace

std::string method_test_text(const MethodTest& test) {
  if (test.pictures == 0) return "no picture to test methods on\n";
  std::size_t width = 0;
  for (const TestedMethod& method : test.methods) width = std::max(width, shown_method(method.name).size());
  std::string text = fmt::format("{} pictures, {} mosaics of four\n\n", test.pictures, test.mosaics);
  for (const Table& table : tables()) text += table_text(test, table, width);
  if (test.mosaics == 0) {
    text += fmt::format(
        "No mosaic: the model is at least half sure of {} pictures, and four of different classes are "
        "needed.\n\n",
        test.confident);
  }
  if (!test.not_dropped.empty()) text += fmt::format("No single deletion: {}.\n\n", test.not_dropped);
  for (const Recommendation& found : recommendations(test)) text += recommendation_text(found);
  text += test.pictures < 2 ? "One picture gives no intervals, so nothing can be told apart.\n"
                            : "Intervals are Student's t over pictures or mosaics, not corrected for several "
                              "comparisons. Each difference is taken case by case.\n";
  return text;
}

}  // namespace fovea
