#include "learn/audit/confident_learning.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fovea::learn {
namespace {

constexpr double kNearlyEqual = 1e-6;  // cleanlab's FLOATING_POINT_COMPARISON
constexpr double kNeverReached = 2.0;  // the threshold of a class that no example is labelled as
constexpr double kTinySum = 1e-100;    // instead of dividing by 0

std::vector<std::size_t> examples_with(std::span<const std::size_t> labels, std::size_t label) {
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == label) some.push_back(i);
  }
  return some;
}

/// [C] the mean probability of each class over the examples that are labelled as the class.
std::vector<double> confident_thresholds(const Matrix& probabilities, std::span<const std::size_t> labels) {
  std::vector<double> sums(probabilities.cols);
  std::vector<double> counts(probabilities.cols);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    sums[labels[i]] += probabilities.row(i)[labels[i]];
    ++counts[labels[i]];
  }
  for (std::size_t c = 0; c < sums.size(); ++c) {
    sums[c] = counts[c] > 0 ? std::max(sums[c] / counts[c], 2 * kNearlyEqual) : kNeverReached;
  }
  return sums;
}

/// Rounds each number to a whole one and keeps the rounded sum: cleanlab's round_preserving_sum().
std::vector<std::size_t> rounded(const std::vector<double>& row) {
  std::vector<double> whole;
  whole.reserve(row.size());
  for (const double value : row) whole.push_back(std::nearbyint(value));  // halves to even
  const double wanted = std::nearbyint(std::accumulate(row.begin(), row.end(), 0.0));
  while (true) {
    const double missing = wanted - std::accumulate(whole.begin(), whole.end(), 0.0);
    if (missing == 0) break;
    std::vector<std::size_t> order(row.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // Rounding errors must not decide between equals.
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return std::nearbyint(1e9 * (row[i] - whole[i])); });
    if (missing > 0) std::ranges::reverse(order);
    const std::size_t changes = std::min(static_cast<std::size_t>(std::fabs(missing)), order.size());
    for (std::size_t k = 0; k < changes; ++k) whole[order[k]] += missing > 0 ? 1 : -1;
  }
  std::vector<std::size_t> counts;
  counts.reserve(whole.size());
  for (const double value : whole) counts.push_back(static_cast<std::size_t>(std::max(value, 0.0)));
  return counts;
}

/// How many examples of one label to doubt in favour of each other class, so that one of the label is always left.
std::vector<std::size_t> doubted(std::vector<std::size_t> row, std::size_t label) {
  if (row[label] > 0) return row;
  row[label] = 1;
  const auto others = static_cast<std::size_t>(std::ranges::count_if(row, [](std::size_t n) { return n > 0; })) - 1;
  // One is taken from all others together: in whole numbers that is one from each.
  if (others == 0) return row;
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (c != label && row[c] > 0) --row[c];
  }
  return row;
}

}  // namespace

Confusion confident_joint(const Matrix& probabilities, std::span<const std::size_t> labels) {
  const std::vector<double> thresholds = confident_thresholds(probabilities, labels);
  Confusion joint(probabilities.cols, std::vector<std::size_t>(probabilities.cols));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = probabilities.row(i);
    std::vector<std::size_t> sure;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (row[c] >= thresholds[c] - kNearlyEqual) sure.push_back(c);
    }
    if (sure.empty()) continue;
    ++joint[labels[i]][sure.size() > 1 ? largest(row) : sure.front()];
  }
  for (std::size_t c = 0; c < joint.size(); ++c) joint[c][c] = std::max(joint[c][c], std::size_t{1});
  return joint;
}

Confusion calibrated_joint(const Confusion& joint, std::span<const std::size_t> labels) {
  std::vector<double> given(joint.size());
  for (const std::size_t label : labels) ++given[label];
  double all = 0;
  std::vector<std::vector<double>> shares;
  for (std::size_t label = 0; label < joint.size(); ++label) {
    const auto sum = static_cast<double>(std::accumulate(joint[label].begin(), joint[label].end(), std::size_t{0}));
    std::vector<double> row;
    for (const std::size_t count : joint[label]) {
      row.push_back(static_cast<double>(count) / std::max(sum, kTinySum) * given[label]);
      all += row.back();
    }
    shares.push_back(row);
  }
  Confusion calibrated;
  for (std::vector<double>& row : shares) {
    for (double& value : row) value = value / std::max(all, kTinySum) * static_cast<double>(labels.size());
    calibrated.push_back(rounded(row));
  }
  return calibrated;
}

std::vector<LabelIssue> label_issues(const Matrix& probabilities, std::span<const std::size_t> labels) {
  const Confusion joint = calibrated_joint(confident_joint(probabilities, labels), labels);
  std::vector<bool> is_issue(labels.size());
  for (std::size_t label = 0; label < joint.size(); ++label) {
    const std::vector<std::size_t> of_label = examples_with(labels, label);
    if (of_label.size() < 2) continue;
    const std::vector<std::size_t> counts = doubted(joint[label], label);
    for (std::size_t other = 0; other < counts.size(); ++other) {
      if (other == label || counts[other] == 0) continue;
      std::vector<std::size_t> order = of_label;
      std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) {
        return probabilities.row(i)[other] - probabilities.row(i)[label];
      });
      order.resize(std::min(order.size(), counts[other]));
      for (const std::size_t i : order) is_issue[i] = true;
    }
  }
  std::vector<LabelIssue> issues;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = probabilities.row(i);
    std::vector<double> others(row.begin(), row.end());
    const double own = others[labels[i]];
    others[labels[i]] = own + kNearlyEqual;
    if (!is_issue[i] || largest(others) == labels[i]) continue;
    others[labels[i]] = -1;
    issues.push_back({i, labels[i], largest(row), own, (own - others[largest(others)] + 1) / 2});
  }
  std::ranges::stable_sort(issues, {}, &LabelIssue::self_confidence);
  return issues;
}

}  // namespace fovea::learn
