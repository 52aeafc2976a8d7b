// What is wrong with the data: labels, copies, strangers.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/numerics.hpp"
#include "learn/audit/confident_learning.hpp"
#include "learn/unknown.hpp"
#include "pipeline/audit/audit.hpp"

namespace fovea {
namespace {

const Input& input_of_row(const AuditInput& input, std::size_t row) {
  return input.pictures.inputs[input.embedded.inputs[row]];
}

void check_labels(const AuditInput& input, AuditReport& report) {
  const Measurement& m = input.learned.measurement;
  for (const learn::LabelIssue& issue : learn::label_issues(m.after, m.truth)) {
    const Input& picture = input_of_row(input, m.rows[issue.example]);
    report.label_issues.push_back({picture.path, picture.name, issue.label, issue.likely, issue.self_confidence,
                                   m.after.row(issue.example)[issue.likely]});
  }
}

/// Those across splits and classes come first.
void check_duplicates(const AuditInput& input, AuditReport& report) {
  const std::size_t first_of_validation = input.pictures.inputs.size() - input.pictures.validation;
  const auto is_validation = [&](std::size_t row) { return input.embedded.inputs[row] >= first_of_validation; };
  for (const auto& [a, b] : input.learned.duplicates) {
    const Input& one = input_of_row(input, a);
    const Input& other = input_of_row(input, b);
    report.duplicates.push_back({one.path, other.path, one.name, other.name, input.embedded.classes[a],
                                 input.embedded.classes[b], is_validation(a) != is_validation(b)});
  }
  std::ranges::stable_sort(report.duplicates, std::greater{}, [](const AuditDuplicate& d) {
    return 2 * int{d.across_splits} + int{d.of_class != d.other_class};
  });
}

/// Tukey's (1977) rule for what is far out: more than three quartile ranges above the upper quartile.
void check_outliers(const AuditInput& input, AuditReport& report) {
  constexpr double kFarOut = 3;
  constexpr std::size_t kMost = 50;
  const EmbeddedPictures& e = input.embedded;
  if (e.inputs.size() < 8) return;
  learn::Examples examples{e.features, e.classes, std::vector<double>(e.inputs.size(), 1.0),
                           input.pictures.names.size()};
  const learn::ClassBalls balls = learn::fit_balls(examples);
  std::vector<double> distances;
  for (std::size_t row = 0; row < e.inputs.size(); ++row) {
    distances.push_back(std::sqrt(learn::distance(balls, e.features.row(row))));
  }
  const double upper = quantile(distances, 0.75);
  const double median = quantile(distances, 0.5);
  const double limit = upper + kFarOut * (upper - quantile(distances, 0.25));
  for (std::size_t row = 0; row < distances.size(); ++row) {
    if (distances[row] <= limit) continue;
    const Input& picture = input_of_row(input, row);
    report.outliers.push_back({picture.path, picture.name, e.classes[row], distances[row] / std::max(median, 1e-12)});
  }
  std::ranges::stable_sort(report.outliers, std::greater{}, &AuditOutlier::distance);
  if (report.outliers.size() > kMost) report.outliers.resize(kMost);
}

void describe_reliability(const AuditInput& input, AuditReport& report) {
  constexpr std::size_t kBins = 10;
  std::array<AuditBin, kBins> bins{};
  const Measurement& m = input.learned.measurement;
  for (std::size_t i = 0; i < m.rows.size(); ++i) {
    const std::size_t best = learn::largest(m.after.row(i));
    const double p = m.after.row(i)[best];
    AuditBin& bin = bins[std::min(static_cast<std::size_t>(p * kBins), kBins - 1)];
    ++bin.pictures;
    bin.confidence += p;
    bin.right += best == m.truth[i] ? 1 : 0;
  }
  for (AuditBin& bin : bins) {
    if (bin.pictures == 0) continue;
    bin.confidence /= static_cast<double>(bin.pictures);
    bin.right /= static_cast<double>(bin.pictures);
    report.reliability.push_back(bin);
  }
}

}  // namespace

void check_data(const AuditInput& input, AuditReport& report) {
  describe_reliability(input, report);
  check_labels(input, report);
  check_duplicates(input, report);
  check_outliers(input, report);
}

}  // namespace fovea
