// The report of `audit` for people at a terminal.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/files.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea {
namespace {

constexpr std::size_t kMostOfList = 5;

std::string audit_heading(const AuditReport& r) {
  const LearnReport& l = r.learned;
  std::string text =
      fmt::format("{}: {} of {} classes", printable(r.folder), count_of(l.measured, "picture"), l.classes.size());
  if (!r.failures.empty()) text += fmt::format(", {} failed", r.failures.size());
  const LearnedBackbone& b = l.backbones.front();
  text += fmt::format("\n{} right on pictures that were held out (95 % interval {}); calibration error {}\n",
                      percent(b.top1.value), range_of(b.top1), percent(b.calibration));
  text += fmt::format("audited: {}\n", r.own_head ? fmt::format("the head of {}", printable(r.audited))
                                                  : fmt::format("a head that was learned, {}", printable(r.audited)));
  return text;
}

std::string trial_line(const AuditTrial& t) {
  return fmt::format("     {}: probability {} points ({} to {}) against {}; {} {}called so, {} under the control\n",
                     t.what, points(t.change.value), points(t.change.low), points(t.change.high), t.control,
                     percent(t.flips), t.kind == AuditTrialKind::kHidden ? "not " : "", percent(t.control_flips));
}

std::string audit_findings(const AuditReport& r) {
  if (r.findings.empty()) {
    return fmt::format("\nno finding: {} comparisons were made, and none stands out\n", r.tried);
  }
  std::string text = fmt::format("\n{} of {} comparisons, the strongest first:\n", count_of(r.findings.size(), "finding"),
                                 r.tried);
  std::size_t number = 0;
  for (const AuditFinding& f : r.findings) {
    text += fmt::format("{:>3}. '{}': {}\n", ++number, printable(r.learned.classes[f.of_class].name), f.what);
    text += fmt::format("     {}: {}, other classes {}: {} points ({} to {}, corrected)\n", f.measure, percent(f.own),
                        percent(f.others), points(f.effect.value), points(f.effect.low), points(f.effect.high));
    for (const AuditTrial& trial : f.trials) text += trial_line(trial);
    if (!f.verdict.empty()) text += fmt::format("     {}\n", f.verdict);
    if (!f.paths.empty()) {
      text += fmt::format("     {}, such as {}\n", count_of(f.pictures, "picture"), printable(f.paths.front()));
    }
    text += fmt::format("     {}\n", f.command);
  }
  return text;
}

std::string audit_data(const AuditReport& r) {
  const auto name = [&](std::size_t c) { return printable(r.learned.classes[c].name); };
  std::string text;
  if (!r.label_issues.empty()) {
    text += fmt::format("\n{} whose label is probably wrong (confident learning):\n",
                        count_of(r.label_issues.size(), "picture"));
  }
  for (std::size_t i = 0; i < std::min(kMostOfList, r.label_issues.size()); ++i) {
    const AuditLabelIssue& issue = r.label_issues[i];
    text += fmt::format("  {}: '{}' with {}, rather '{}' with {}\n", printable(issue.path), name(issue.given),
                        percent(issue.probability), name(issue.likely), percent(issue.likely_probability));
  }
  const auto crossing = std::ranges::count_if(
      r.duplicates, [](const AuditDuplicate& d) { return d.across_splits || d.of_class != d.other_class; });
  if (!r.duplicates.empty()) {
    text += fmt::format("\n{} of near-duplicates, {} of them across classes or splits:\n",
                        count_of(r.duplicates.size(), "pair"), crossing);
  }
  for (std::size_t i = 0; i < std::min(kMostOfList, r.duplicates.size()); ++i) {
    const AuditDuplicate& d = r.duplicates[i];
    text += fmt::format("  {} ('{}') and {} ('{}'){}\n", printable(d.path), name(d.of_class), printable(d.other),
                        name(d.other_class), d.across_splits ? ", of which one is in the validation folder" : "");
  }
  if (!r.outliers.empty()) {
    text += fmt::format("\n{} far from every class:\n", count_of(r.outliers.size(), "picture"));
  }
  for (std::size_t i = 0; i < std::min(kMostOfList, r.outliers.size()); ++i) {
    text += fmt::format("  {} ('{}'): {:.1f} times as far as usual\n", printable(r.outliers[i].path),
                        name(r.outliers[i].of_class), r.outliers[i].distance);
  }
  return text;
}

std::string audit_untried(const AuditReport& r) {
  if (r.untried.empty()) return {};
  std::string text = "\nnot tried:\n";
  for (const AuditUntried& one : r.untried) text += fmt::format("  {}: {}\n", one.what, one.why);
  return text;
}

std::string audit_dropped(const AuditReport& r) {
  if (!r.dropped) return {};
  const AuditDropped& d = *r.dropped;
  return fmt::format(
      "\n{}: without direction {} of '{}'. On {} that were held out, {} are right ({} before), and {} of the class ({} "
      "before)\n",
      printable(d.output), d.direction, printable(r.learned.classes[d.of_class].name), count_of(d.pictures, "picture"),
      percent(d.right_after), percent(d.right_before), percent(d.recall_after), percent(d.recall_before));
}

}  // namespace

std::string audit_text(const AuditReport& r) {
  return audit_heading(r) + audit_findings(r) + audit_data(r) + audit_untried(r) + audit_dropped(r) +
         fmt::format("\n{}: the report as a page, and as audit.json\n{}\n",
                     printable(std::filesystem::path(r.output) / "audit.html"), r.command);
}

}  // namespace fovea
