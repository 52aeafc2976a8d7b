// A test of methods as tables for people.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "report/measured.hpp"
#include "report/method_test/method_test.hpp"

namespace fovea {
namespace {

constexpr std::size_t kNarrowest = 6;  // characters, of -0.123

std::size_t width_of(const TestColumn& column) {
  return std::max(column.title.size(), kNarrowest);
}

/// Words as lines of at most 118 characters.
std::string indented(std::string_view words) {
  constexpr std::size_t kWidth = 118;
  std::string text;
  std::string line = " ";
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    if (line.size() + 1 + word.size() > kWidth) {
      text += line + '\n';
      line = " ";
    }
    line.append(" ").append(word);
    words.remove_prefix(std::min(words.size(), word.size() + 1));
  }
  return text + line + '\n';
}

std::string row_text(const TestTable& table, const MeasuredMethod& row, std::size_t width) {
  std::string text = fmt::format("  {:{}}", shown_method(row.method->name), width);
  for (const TestColumn& column : table.columns) {
    text += fmt::format("  {:{}.3f}", estimate_mean(row.method->of(column.measure)).mean, width_of(column));
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

std::string table_text(const MethodTest& test, const TestTable& table, std::size_t width) {
  const std::vector<MeasuredMethod> rows = ranked(test, table.columns.back().measure);
  if (rows.empty()) return {};
  std::string text = fmt::format("{}\n{}  {:{}}", table.title, indented(table.meaning), "method", width);
  for (const TestColumn& column : table.columns) text += fmt::format("  {:>{}}", column.title, width_of(column));
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
  return text + (found.beats_controls ? ".\n" : "; but none is clearly better than random maps and the centred Gaussian.\n");
}

}  // namespace

std::string planted_text(const PlantedMarks& planted) {
  std::string tried;
  for (const PlantedMarks::Tried& one : planted.tried) {
    tried += fmt::format("{}{:.1f} % for {} px", tried.empty() ? "" : ", ", 100 * one.accuracy, one.side);
  }
  if (planted.not_measurable.empty()) {
    return fmt::format(
        "The planted mark is {} px wide and covers {:.1f} patches. Held-out answers that are right: {}; the answer of "
        "{} of {} pictures flips with the mark.\n\n",
        planted.tried.back().side, planted.patches, tried, planted.tried.back().flipped, planted.pictures);
  }
  return fmt::format("A planted mark is not measurable on this model: {}.{}\n\n", planted.not_measurable,
                     tried.empty() ? "" : fmt::format(" Held-out answers that are right: {}; 99 % are needed.", tried));
}

std::string method_test_text(const MethodTest& test) {
  if (test.pictures == 0) return "no picture to test methods on\n";
  std::size_t width = 0;
  for (const TestedMethod& method : test.methods) width = std::max(width, shown_method(method.name).size());
  std::string text = fmt::format("{}, {} of four\n\n", count_of(test.pictures, "picture"), count_of(test.mosaics, "mosaic"));
  for (const TestTable& table : test_tables()) text += table_text(test, table, width);
  if (test.mosaics == 0) {
    text += fmt::format(
        "No mosaic: the model is at least half sure of {} pictures, and four of different classes are "
        "needed.\n\n",
        test.confident);
  }
  if (test.planted) text += planted_text(*test.planted);
  if (!test.not_dropped.empty()) text += fmt::format("No single deletion: {}.\n\n", test.not_dropped);
  for (const Recommendation& found : recommendations(test)) text += recommendation_text(found);
  text += test.pictures < 2 ? "One picture gives no intervals, so nothing can be told apart.\n"
                            : "Intervals are Student's t over pictures or mosaics, not corrected for several "
                              "comparisons. Each difference is taken case by case.\n";
  return text;
}

}  // namespace fovea
