// The report of `eval` for people at a terminal, and the table of its confusion.
#include <fmt/format.h>

#include <algorithm>

#include "base/files.hpp"
#include "report/eval/eval_report.hpp"

namespace fovea {
namespace {

/// Columns that a terminal shows of a text: a name is not only ASCII.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}
std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, width_of(text)), ' ');
}

std::string interval(const MeasuredShare& share) {
  return "95 % interval " + range_of(share);
}

std::string named(const EvaluatedModel& m) {
  return m.precision.empty() ? printable(m.model) : fmt::format("{} in {}", printable(m.model), m.precision);
}

std::string eval_heading(const EvalReport& r) {
  std::string text = printable(r.folder) + ": classes by " + printable(r.labels);
  if (!r.failures.empty()) text += fmt::format(", {} failed", count_of(r.failures.size(), "picture"));
  if (r.groups > 0) text += fmt::format(", {} that intervals do not divide", count_of(r.groups, "group"));
  return text + "\n";
}

std::string loss_lines(const EvaluatedModel& m) {
  std::string text;
  if (m.log_loss) {
    text += figure_line("log-loss", fmt::format("{:.3f}", m.log_loss->value),
                        fmt::format("95 % interval {:.3f} to {:.3f}", m.log_loss->low, m.log_loss->high));
  }
  if (m.brier) text += figure_line("Brier score", fmt::format("{:.3f}", *m.brier), "");
  text += figure_line("calibration error", percent(m.ece), "largest gap " + percent(m.largest_gap));
  if (m.temperature) {
    text += figure_line("best temperature", fmt::format("{:.3f}", m.temperature->value),
                        fmt::format("log-loss {:.3f} and calibration error {} with it, on these pictures",
                                    m.temperature->log_loss, percent(m.temperature->ece)));
  }
  return text;
}

std::string sure_lines(const EvaluatedModel& m) {
  if (m.right_above.empty()) return {};
  std::string text = "\nhow far sure answers can be trusted:\n";
  for (const RightAbove& above : m.right_above) {
    text += above.pictures == 0 ? fmt::format("  {:g} % are right above no probability\n", 100 * above.wanted)
                                : fmt::format("  {:g} % are right above {:.2f}: {} of the pictures ({}; Wilson: {})\n",
                                              100 * above.wanted, above.threshold, percent(above.coverage),
                                              above.pictures, range_of(above.accuracy));
  }
  return text;
}

std::string class_table(const EvaluatedModel& m) {
  std::size_t width = 5;
  for (const EvaluatedClass& c : m.known) width = std::max(width, width_of(printable(c.name)));
  const bool areas =
      std::ranges::any_of(m.known, [](const EvaluatedClass& c) { return c.average_precision.has_value(); });
  std::string text =
      fmt::format("\n{}  precision   recall       F1{}   pictures\n", padded("class", width), areas ? "       AP" : "");
  for (const EvaluatedClass& c : m.known) {
    if (c.support == 0) continue;
    const std::string area =
        areas ? fmt::format("{:>9}", c.average_precision ? percent(*c.average_precision) : "") : std::string();
    text += fmt::format("{}  {:>9}{:>9}{:>9}{}   {:>8}\n", padded(printable(c.name), width), percent(c.precision),
                        percent(c.recall.value), percent(c.f1), area, c.support);
  }
  return text;
}

std::string error_lines(const EvaluatedModel& m) {
  constexpr std::size_t kMost = 5;
  std::string text;
  std::size_t shown = 0;
  for (const ConfusedPair& cell : m.confusion) {
    if (cell.truth == cell.predicted || shown == kMost) continue;
    text += shown++ == 0 ? "\nconfused most often:\n" : "";
    text +=
        fmt::format("  {} of '{}' taken for '{}', such as {}\n", cell.paths.size(), printable(m.known[cell.truth].name),
                    printable(m.known[cell.predicted].name), printable(cell.paths.front()));
  }
  if (!m.surprising.empty()) text += "\nmost surprising: look at these first, for their labels may be wrong\n";
  for (std::size_t i = 0; i < std::min(kMost, m.surprising.size()); ++i) {
    const SurprisingPicture& one = m.surprising[i];
    text += fmt::format("  {}: '{}' with {}, taken for '{}'\n", printable(one.path), printable(m.known[one.truth].name),
                        percent(one.probability), printable(m.known[one.predicted].name));
  }
  return text;
}

std::string missing_lines(const std::vector<MissingFigure>& missing) {
  std::string text = missing.empty() ? "" : "\nnot measured:\n";
  for (const MissingFigure& one : missing) text += fmt::format("  {}: {}\n", one.figure, one.why);
  return text;
}

std::string model_text(const EvaluatedModel& m) {
  std::string text = fmt::format("\n{}, measured on {}:\n", named(m), count_of(m.pictures, "picture"));
  text += figure_line("right", percent(m.top1.value),
                      fmt::format("{} (Wilson: {})", interval(m.top1), range_of(m.top1_wilson)));
  if (m.top5) text += figure_line("right among 5 best", percent(m.top5->value), interval(*m.top5));
  text += figure_line("macro F1", percent(m.macro_f1.value), interval(m.macro_f1));
  text += figure_line("weighted F1", percent(m.weighted_f1.value), interval(m.weighted_f1));
  text += figure_line("balanced accuracy", percent(m.balanced.value), interval(m.balanced));
  if (m.mean_ap) text += figure_line("mean AP", percent(*m.mean_ap), "");
  text += loss_lines(m);
  for (const auto& [precision, count] : m.decided_by) {
    text += figure_line(fmt::format("decided by {}", name(precision)), std::to_string(count), "");
  }
  if (m.unknown) {
    text += figure_line("called unknown", std::to_string(m.unknown->pictures),
                        fmt::format("of which {} are wrong", m.unknown->wrong));
  }
  return text + sure_lines(m) + class_table(m) + error_lines(m) + missing_lines(m.missing);
}

std::string right_lines(const ComparedModels& c) {
  std::string text =
      figure_line("difference", points(c.difference.value),
                  fmt::format("95 % interval {} to {}; McNemar's exact test p = {:.2g}{}", points(c.difference.low),
                              points(c.difference.high), c.mcnemar, c.mcnemar > 0.05 ? ": cannot be told apart" : ""));
  text += figure_line("only first right", std::to_string(c.only_first), "");
  text += figure_line("only second right", std::to_string(c.only_second), "");
  text += figure_line("both right", std::to_string(c.both_right), "");
  text += figure_line("both wrong", std::to_string(c.both_wrong), "");
  return text;
}

std::string drift_lines(const MapDrift& drift) {
  std::string text = fmt::format("\nmaps of {}, on {}", drift.method, count_of(drift.pictures, "picture"));
  if (drift.other_class > 0) {
    text += fmt::format(" ({} are left out, whose maps explain different classes)", drift.other_class);
  }
  text += ":\n";
  if (drift.pictures == 0) return text + "  none to compare\n";
  text += figure_line("correlation", fmt::format("{:.3f}", drift.correlation.value),
                      fmt::format("95 % interval {:.3f} to {:.3f}; the lowest is {:.3f}, of {}", drift.correlation.low,
                                  drift.correlation.high, drift.lowest_correlation, printable(drift.lowest_path)));
  return text + figure_line("best tenth shared", percent(drift.shared.value), interval(drift.shared));
}

/// A name in a table with commas.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field(1, '"');
  for (const char c : text) field.append(c == '"' ? 2 : 1, c);
  field.push_back('"');
  return field;
}

}  // namespace

std::string compared_text(const ComparedModels& c, const std::string& first, const std::string& second) {
  constexpr std::size_t kMost = 5;
  std::string text = fmt::format("\nthe second beside the first, on {} that both have:\n  first: {}\n  second: {}\n",
                                 count_of(c.pictures, "picture"), printable(first), printable(second));
  if (c.labelled) text += right_lines(c);
  text += figure_line("different answers", std::to_string(c.flips.size()), "");
  if (c.largest_change) {
    const LargestChange& change = *c.largest_change;
    text += figure_line("largest change", fmt::format("{:.3f}", change.second - change.first),
                        fmt::format("of '{}', from {:.3f} to {:.3f}: {}", printable(change.of), change.first,
                                    change.second, printable(change.path)));
  }
  for (std::size_t i = 0; i < std::min(kMost, c.flips.size()); ++i) {
    const FlippedPicture& flip = c.flips[i];
    text += i == 0 ? "\nanswers that differ:\n" : "";
    text += fmt::format("  {}: '{}'{} becomes '{}'{}\n", printable(flip.path), printable(flip.first),
                        c.labelled && flip.first_right ? " (right)" : "", printable(flip.second),
                        c.labelled && flip.second_right ? " (right)" : "");
  }
  if (c.maps) text += drift_lines(*c.maps);
  return text + missing_lines(c.missing);
}

std::string eval_text(const EvalReport& r) {
  std::string text = eval_heading(r);
  for (const EvaluatedModel& model : r.models) text += model_text(model);
  if (r.comparison) text += compared_text(*r.comparison, named(r.models[0]), named(r.models[1]));
  return text;
}

std::string confusion_csv(const EvaluatedModel& m) {
  std::vector<std::vector<std::size_t>> counts(m.known.size(), std::vector<std::size_t>(m.known.size()));
  for (const ConfusedPair& cell : m.confusion) counts[cell.truth][cell.predicted] = cell.paths.size();
  std::string text = "class";
  for (const EvaluatedClass& c : m.known) text.append(",").append(csv_field(c.name));
  text += "\n";
  for (std::size_t truth = 0; truth < counts.size(); ++truth) {
    if (m.known[truth].support == 0) continue;  // only predicted: it has a column
    text += csv_field(m.known[truth].name);
    for (const std::size_t count : counts[truth]) text.append(",").append(std::to_string(count));
    text += "\n";
  }
  return text;
}

}  // namespace fovea
