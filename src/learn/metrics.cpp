#include "learn/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace fovea::learn {
namespace {

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0.0;
}

std::vector<ClassCounts> counts_of(const Confusion& confusion) {
  std::vector<ClassCounts> counts(confusion.size());
  for (std::size_t truth = 0; truth < counts.size(); ++truth) {
    for (std::size_t predicted = 0; predicted < counts.size(); ++predicted) {
      counts[truth].support += confusion[truth][predicted];
      counts[predicted].predicted += confusion[truth][predicted];
    }
    counts[truth].right = confusion[truth][truth];
  }
  return counts;
}

}  // namespace

Confusion confusion_of(std::span<const std::size_t> truth, std::span<const std::size_t> predicted,
                       std::size_t num_classes) {
  Confusion confusion(num_classes, std::vector<std::size_t>(num_classes));
  for (std::size_t i = 0; i < truth.size(); ++i) ++confusion[truth[i]][predicted[i]];
  return confusion;
}

void count_example(std::span<ClassCounts> counts, std::size_t truth, std::size_t predicted) {
  ++counts[truth].support;
  ++counts[predicted].predicted;
  if (truth == predicted) ++counts[truth].right;
}

std::vector<ClassCounts> counts_of(std::span<const std::size_t> truth, std::span<const std::size_t> predicted,
                                   std::size_t num_classes) {
  std::vector<ClassCounts> counts(num_classes);
  for (std::size_t i = 0; i < truth.size(); ++i) count_example(counts, truth[i], predicted[i]);
  return counts;
}

std::vector<ClassScore> class_scores(std::span<const ClassCounts> counts) {
  std::vector<ClassScore> scores;
  for (const ClassCounts& c : counts) {
    const auto right = static_cast<double>(c.right);
    scores.push_back({ratio(right, static_cast<double>(c.predicted)), ratio(right, static_cast<double>(c.support)),
                      ratio(2 * right, static_cast<double>(c.predicted + c.support)), c.support});
  }
  return scores;
}
std::vector<ClassScore> class_scores(const Confusion& confusion) {
  return class_scores(counts_of(confusion));
}

Accuracy accuracy_of(std::span<const ClassCounts> counts) {
  const std::vector<ClassScore> classes = class_scores(counts);
  Accuracy accuracy;
  double examples = 0;
  double with_examples = 0;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto support = static_cast<double>(counts[c].support);
    examples += support;
    accuracy.top1 += static_cast<double>(counts[c].right);
    accuracy.weighted_f1 += support * classes[c].f1;
    if (counts[c].support == 0) continue;
    ++with_examples;
    accuracy.balanced += classes[c].recall;
    accuracy.macro_f1 += classes[c].f1;
  }
  accuracy.top1 = ratio(accuracy.top1, examples);
  accuracy.weighted_f1 = ratio(accuracy.weighted_f1, examples);
  accuracy.balanced = ratio(accuracy.balanced, with_examples);
  accuracy.macro_f1 = ratio(accuracy.macro_f1, with_examples);
  return accuracy;
}
Accuracy accuracy_of(const Confusion& confusion) {
  return accuracy_of(counts_of(confusion));
}

std::vector<std::size_t> predictions_of(const Matrix& scores) {
  std::vector<std::size_t> predicted(scores.rows);
  for (std::size_t i = 0; i < scores.rows; ++i) predicted[i] = largest(scores.row(i));
  return predicted;
}

double surprise(double probability) {
  return -std::log(std::max(probability, std::numeric_limits<double>::epsilon()));
}

double log_loss(const Matrix& probabilities, std::span<const std::size_t> classes) {
  double sum = 0;
  for (std::size_t i = 0; i < probabilities.rows; ++i) sum += surprise(probabilities.row(i)[classes[i]]);
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

double average_precision(const Matrix& probabilities, std::span<const std::size_t> classes, std::size_t of) {
  std::vector<std::pair<double, bool>> all;  // whether it is of the class
  double examples = 0;
  for (std::size_t i = 0; i < probabilities.rows; ++i) {
    all.emplace_back(-probabilities.row(i)[of], classes[i] == of);
    examples += classes[i] == of ? 1 : 0;
  }
  std::ranges::sort(all);
  double area = 0;
  double right = 0;
  double before = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    right += all[i].second ? 1 : 0;
    if (i + 1 < all.size() && all[i + 1].first == all[i].first) continue;
    area += (right - before) / static_cast<double>(i + 1) * right;
    before = right;
  }
  return ratio(area, examples);
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
