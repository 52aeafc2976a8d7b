// A comparison of methods as a table for people.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "report/comparison.hpp"
#include "report/statistics.hpp"

namespace fovea {
namespace {

std::string pictures(std::size_t count) {
  return fmt::format("{} {}", count, count == 1 ? "picture" : "pictures");
}

std::string ranking_row(const Comparison& comparison, std::size_t rank, std::size_t width) {
  const ComparedMethod& method = comparison.ranking[rank];
  const std::string srg = method.srg ? fmt::format("{:+.3f}", *method.srg) : "";
  std::string row =
      fmt::format("{:4}  {:{}}  {:8.3f}  {:9.3f}  {:+10.3f}  {:16}  {:6}", rank + 1, shown_method(method.name), width,
                  method.areas.deletion, method.areas.insertion, method.gain.mean, range_text(method.gain), srg);
  row += method.beats_random ? fmt::format("  {:10.1f} %", 100 * *method.beats_random) : fmt::format("  {:12}", "");
  if (method.lead) row += fmt::format("  {:+.3f}", method.lead->mean);
  if (method.lead && method.lead->interval) {
    row += fmt::format(" ({}){}", range_text(*method.lead), method.tied() ? ", cannot be told apart" : "");
  }
  return row.substr(0, row.find_last_not_of(' ') + 1) + '\n';
}

std::string ranking_table(const Comparison& comparison) {
  std::size_t width = 0;
  for (const ComparedMethod& method : comparison.ranking) width = std::max(width, shown_method(method.name).size());
  std::string table =
      fmt::format("rank  {:{}}  deletion  insertion  difference  {:16}  SRG     beats random  ahead of the next\n",
                  "method", width, fmt::format("{:.0f} % interval", 100 * kConfidence));
  for (std::size_t rank = 0; rank < comparison.ranking.size(); ++rank) table += ranking_row(comparison, rank, width);
  return table;
}

/// How similarly the methods rank patches; the row titles name the variants that ran.
std::string agreement_table(const Comparison& comparison) {
  const std::vector<std::string> methods = compared_methods(comparison);
  const auto label = [](const ComparedMethod& method) { return fmt::format("{} ({})", method.name, method.variant); };
  std::size_t width = 0;
  for (const ComparedMethod& method : comparison.ranking) {
    if (!method.variant.empty()) width = std::max(width, label(method).size());
  }
  std::string table = fmt::format("{:{}}", "agreement (Spearman)", width);
  for (const std::string& name : methods) table += fmt::format("  {:>5}", name);
  table += '\n';
  for (const ComparedMethod& method : comparison.ranking) {
    if (method.variant.empty()) continue;
    table += fmt::format("{:{}}", label(method), width);
    for (const std::string& name : methods) {
      const std::optional<double> correlation = name == method.name ? 1.0 : agreement_of(method, name);
      const std::size_t cell = std::max<std::size_t>(name.size(), 5);
      table += correlation ? fmt::format("  {:{}.2f}", *correlation, cell) : fmt::format("  {:>{}}", "-", cell);
    }
    table += '\n';
  }
  return table;
}

}  // namespace

std::string comparison_text(const Comparison& comparison) {
  std::string text;
  if (comparison.undefined > 0) {
    text +=
        fmt::format("{} left out because the model's probabilities are not finite\n", pictures(comparison.undefined));
  }
  if (comparison.pictures == 0) return text + "no picture to compare methods on\n";
  text += ranking_table(comparison) + '\n' + agreement_table(comparison) + '\n';
  text += fmt::format("Ranked by the mean over {} of insertion less deletion. ", pictures(comparison.pictures));
  if (comparison.substrate == Substrate::kDrop) text += "Deleted patches are dropped, not painted. ";
  text += comparison.pictures < 2 ? "One picture gives no intervals, so nothing can be told apart.\n"
                                  : "Intervals are Student's t over pictures, not corrected for several comparisons.\n";
  return text;
}

}  // namespace fovea
