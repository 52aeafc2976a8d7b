// The report of `learn` for people at a terminal.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/files.hpp"
#include "report/learn/learn_report.hpp"

namespace fovea {
namespace {

/// "0.62"; two digits of a small one: strong penalties have small scores.
std::string temperature_text(double temperature) {
  return temperature < 0.1 ? fmt::format("{:.2g}", temperature) : fmt::format("{:.2f}", temperature);
}

std::string heading(const LearnReport& r) {
  std::string text =
      fmt::format("{}: {} of {} classes", printable(r.folder), count_of(r.pictures, "picture"), r.classes.size());
  if (!r.failures.empty()) text += fmt::format(", {} failed", r.failures.size());
  if (r.near_duplicates > 0) {
    text += fmt::format("; {} are near-duplicates of others", count_of(r.near_duplicates, "picture"));
  }
  if (r.groups < r.pictures) {
    text += fmt::format("; {} that are never divided", count_of(r.groups, "group"));
  }
  return text + "\n";
}

std::string measured(const LearnReport& r) {
  const LearnedBackbone& b = r.backbones.front();
  const std::string where =
      r.validation.empty() ? fmt::format("each held out once, in {} folds", r.folds) : "of " + printable(r.validation);
  std::string text = fmt::format("\nmeasured on {}, {}:\n", count_of(r.measured, "picture"), where);
  text += figure_line("right", percent(b.top1.value), "95 % interval " + range_of(b.top1));
  text += figure_line("macro F1", percent(b.macro_f1.value), "95 % interval " + range_of(b.macro_f1));
  text += figure_line("balanced accuracy", percent(b.balanced.value), "95 % interval " + range_of(b.balanced));
  text += figure_line("log-loss", fmt::format("{:.3f}", b.log_loss),
                      fmt::format("{:.3f} before the temperature", b.log_loss_before));
  text += figure_line("calibration error", percent(b.calibration),
                      percent(b.calibration_before) + " before the temperature");
  return text;
}

std::string baselines(const LearnReport& r) {
  std::string text = "\nfor comparison, on the same pictures:\n";
  for (const Baseline& baseline : r.baselines) {
    const bool told_apart = baseline.ahead.low > 0 || baseline.ahead.high < 0;
    const bool behind = baseline.ahead.value < 0;
    const MeasuredShare lead = behind ? MeasuredShare{-baseline.ahead.value, -baseline.ahead.high, -baseline.ahead.low} : baseline.ahead;
    text += fmt::format("  {:<20}{:>9}   the learned head is {} by {} ({} to {}){}\n", baseline.name,
                        percent(baseline.top1), behind ? "behind" : "ahead", points(lead.value), points(lead.low),
                        points(lead.high), told_apart ? "" : ": cannot be told apart");
  }
  return text;
}

std::string backbones(const LearnReport& r) {
  if (r.backbones.size() < 2) return {};
  std::string text = "\nbackbones, the best first:\n";
  for (const LearnedBackbone& b : r.backbones) {
    const bool first = &b == &r.backbones.front();
    const std::string behind =
        first ? "written"
              : fmt::format("behind by {} ({} to {}){}", points(b.behind.value), points(b.behind.low),
                            points(b.behind.high), b.behind.low > 0 ? "" : ": cannot be told apart");
    text +=
        fmt::format("  {:>7}  {:<14} {}: {}\n", percent(b.top1.value), range_of(b.top1), printable(b.model), behind);
  }
  return text;
}

std::string classes(const LearnReport& r) {
  std::size_t width = 5;
  for (const MeasuredClass& c : r.classes) width = std::max(width, printable(c.name).size());
  std::string text = fmt::format("\n{:<{}}  precision   recall       F1   pictures\n", "class", width);
  for (const MeasuredClass& c : r.classes) {
    if (c.measured == 0) {
      text += fmt::format("{:<{}}  not measured                 {:>8}\n", printable(c.name), width, c.pictures);
      continue;
    }
    text += fmt::format("{:<{}}  {:>9}{:>9}{:>9}   {:>8}\n", printable(c.name), width, percent(c.precision),
                        percent(c.recall), percent(c.f1), c.pictures);
  }
  return text;
}

std::string curve(const LearnReport& r) {
  std::string text = "\nlearning curve:\n";
  for (const CurvePoint& point : r.curve) {
    text += fmt::format("  {:>3.0f} % of the pictures ({})  {:>8}   {}\n", 100 * point.share, point.pictures,
                        percent(point.top1.value), range_of(point.top1));
  }
  return text;
}

std::string errors(const LearnReport& r) {
  constexpr std::size_t kMost = 5;
  std::string text;
  if (!r.confused.empty()) text += "\nconfused most often:\n";
  for (std::size_t i = 0; i < std::min(kMost, r.confused.size()); ++i) {
    const ConfusedPair& pair = r.confused[i];
    text += fmt::format("  {} of '{}' taken for '{}', such as {}\n", pair.paths.size(),
                        printable(r.classes[pair.truth].name), printable(r.classes[pair.predicted].name),
                        printable(pair.paths.front()));
  }
  if (!r.surprising.empty()) text += "\nmost surprising: look at these first, for their labels may be wrong\n";
  for (std::size_t i = 0; i < std::min(kMost, r.surprising.size()); ++i) {
    const SurprisingPicture& one = r.surprising[i];
    text +=
        fmt::format("  {}: '{}' with {}, taken for '{}'\n", printable(one.path), printable(r.classes[one.truth].name),
                    percent(one.probability), printable(r.classes[one.predicted].name));
  }
  return text;
}

std::string unknown(const LearnReport& r) {
  if (!r.unknown) return {};
  const UnknownReport& u = *r.unknown;
  std::string text = fmt::format(
      "\nunknown, told by {} and by the fifth neighbour:\n  {} of held-out pictures of the classes are called unknown\n", u.by,
      percent(u.rejected));
  if (u.energy_area == 0) return text;
  return text + fmt::format(
                    "  {} of pictures of a class that the head did not learn, each class in turn\n  (ROC area: energy "
                    "{:.3f}, distance {:.3f}, neighbours {:.3f})\n",
                    percent(u.caught), u.energy_area, u.distance_area, u.neighbours_area);
}

std::string views(const LearnReport& r) {
  if (r.views == 1) return {};
  return fmt::format("\nlearned from the mean of {} views of each picture, measured on one\n", r.views);
}

std::string texts(const LearnReport& r) {
  if (r.texts.empty()) return {};
  return r.text_weight > 0 ? fmt::format("\nthe head starts from the texts of {}: their scores count {:g} times their spread\n",
                                         printable(r.texts), r.text_weight)
                           : fmt::format("\nthe texts of {} are not used: without them the held-out pictures are told better\n",
                                         printable(r.texts));
}

std::string decisions(const LearnReport& r) {
  if (!r.decisions) return {};
  const DecisionReport& d = *r.decisions;
  return fmt::format("\n{}: {} dropped, {} relabelled, {} kept\n", printable(d.file), count_of(d.dropped, "picture"),
                     d.relabelled, d.kept);
}

}  // namespace

std::string learn_text(const LearnReport& r) {
  std::string text = heading(r) + measured(r) + baselines(r) + backbones(r) + classes(r) + curve(r) + errors(r);
  text += unknown(r) + texts(r) + views(r) + decisions(r);
  if (!r.output.empty()) {
    text += fmt::format("\n{}: learned from all {}, with {} (penalty C {:.2g}, temperature {})\n",
                        printable(r.output), count_of(r.pictures, "picture"), printable(r.backbones.front().model),
                        r.backbones.front().c, temperature_text(r.backbones.front().temperature));
  }
  return text;
}

}  // namespace fovea
