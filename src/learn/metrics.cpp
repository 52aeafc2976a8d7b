#include "learn/metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace fovea::learn {
namespace {

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0.0;
}

/// The pictures of nearly one confidence.
struct Bin {
  double confidence = 0;  // sums
  double right = 0;
};

}  // namespace

Confusion confusion_of(std::span<const std::size_t> truth, std::span<const std::size_t> predicted,
                       std::size_t num_classes) {
  Confusion confusion(num_classes, std::vector<std::size_t>(num_classes));
  for (std::size_t i = 0; i < truth.size(); ++i) ++confusion[truth[i]][predicted[i]];
  return confusion;
}

std::vector<ClassScore> class_scores(const Confusion& confusion) {
  const std::size_t n = confusion.size();
  std::vector<std::size_t> predicted(n);
  for (const auto& row : confusion) {
    for (std::size_t c = 0; c < n; ++c) predicted[c] += row[c];
  }
  std::vector<ClassScore> scores(n);
  for (std::size_t c = 0; c < n; ++c) {
    for (const std::size_t count : confusion[c]) scores[c].support += count;
    const auto right = static_cast<double>(confusion[c][c]);
    scores[c].precision = ratio(right, static_cast<double>(predicted[c]));
    scores[c].recall = ratio(right, static_cast<double>(scores[c].support));
    scores[c].f1 = ratio(2 * right, static_cast<double>(predicted[c] + scores[c].support));
  }
  return scores;
}

Accuracy accuracy_of(const Confusion& confusion) {
  const std::vector<ClassScore> classes = class_scores(confusion);
  Accuracy accuracy;
  double examples = 0;
  double with_examples = 0;
  double counted = 0;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto support = static_cast<double>(classes[c].support);
    examples += support;
    accuracy.top1 += static_cast<double>(confusion[c][c]);
    accuracy.weighted_f1 += support * classes[c].f1;
    const bool predicted =
        std::ranges::any_of(confusion, [&](const std::vector<std::size_t>& row) { return row[c] > 0; });
    if (classes[c].support > 0) {
      ++with_examples;
      accuracy.balanced += classes[c].recall;
    }
    if (classes[c].support > 0 || predicted) {
      ++counted;
      accuracy.macro_f1 += classes[c].f1;
    }
  }
  accuracy.top1 = ratio(accuracy.top1, examples);
  accuracy.weighted_f1 = ratio(accuracy.weighted_f1, examples);
  accuracy.balanced = ratio(accuracy.balanced, with_examples);
  accuracy.macro_f1 = ratio(accuracy.macro_f1, counted);
  return accuracy;
}

std::vector<std::size_t> predictions_of(const Matrix& scores) {
  std::vector<std::size_t> predicted(scores.rows);
  for (std::size_t i = 0; i < scores.rows; ++i) predicted[i] = largest(scores.row(i));
  return predicted;
}

double log_loss(const Matrix& probabilities, std::span<const std::size_t> classes) {
  double sum = 0;
  for (std::size_t i = 0; i < probabilities.rows; ++i) {
    sum -= std::log(std::max(probabilities.row(i)[classes[i]], std::numeric_limits<double>::epsilon()));
  }
  return ratio(sum, static_cast<double>(probabilities.rows));
}

double brier_score(const Matrix& probabilities, std::span<const std::size_t> classes) {
  double sum = 0;
  for (std::size_t i = 0; i < probabilities.rows; ++i) {
    for (std::size_t c = 0; c < probabilities.cols; ++c) {
      const double off = probabilities.row(i)[c] - (c == classes[i] ? 1.0 : 0.0);
      sum += off * off;
    }
  }
  return ratio(sum, static_cast<double>(probabilities.rows));
}

double calibration_error(const Matrix& probabilities, std::span<const std::size_t> classes) {
  constexpr std::size_t kBins = 15;
  std::array<Bin, kBins> bins;
  for (std::size_t i = 0; i < probabilities.rows; ++i) {
    const std::size_t best = largest(probabilities.row(i));
    const double p = probabilities.row(i)[best];
    const auto bin = static_cast<std::size_t>(std::clamp(p * kBins, 0.0, kBins - 1.0));
    bins[bin].confidence += p;
    bins[bin].right += best == classes[i] ? 1 : 0;
  }
  double error = 0;
  for (const Bin& bin : bins) error += std::fabs(bin.right - bin.confidence);
  return ratio(error, static_cast<double>(probabilities.rows));
}

double roc_area(std::span<const double> first, std::span<const double> second) {
  std::vector<std::pair<double, bool>> all;  // whether it is of the second group
  for (const double value : first) all.emplace_back(value, false);
  for (const double value : second) all.emplace_back(value, true);
  std::ranges::sort(all);
  double below = 0;  // of the first group
  double pairs = 0;
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin;
    double firsts = 0;
    double seconds = 0;
    for (; end < all.size() && all[end].first == all[begin].first; ++end) ++(all[end].second ? seconds : firsts);
    pairs += seconds * (below + 0.5 * firsts);
    below += firsts;
    begin = end;
  }
  return ratio(pairs, static_cast<double>(first.size()) * static_cast<double>(second.size()));
}

}  // namespace fovea::learn
