#include "learn/cross_validation.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "base/parallel.hpp"
#include "base/random.hpp"
#include "learn/metrics.hpp"
#include "learn/temperature.hpp"

namespace fovea::learn {
namespace {

constexpr double kPathTolerance = 1e-4;  // of losses that are only compared

/// One fold's head, kept from one C to the next.
class Fold {
 public:
  Fold(const Examples& all, const Split& split)
      : train_(examples_of(all, split.train)),
        scaling_(scaling_of(train_.features)),
        test_(examples_of(all, split.test)),
        regression_([&] {
          train_.features = scaled(std::move(train_.features), scaling_);
          test_.features = scaled(std::move(test_.features), scaling_);
          return LogisticRegression(train_);
        }()) {
    train_ = {};
  }
  /// @return  [test, C]
  [[nodiscard]] Matrix scores(double c, double tolerance) { return scores_of(regression_.fit(c, tolerance), test_); }
  /// Scores may be of another temperature than 1: a strong penalty makes them small, and that is no fault.
  [[nodiscard]] double loss(const Matrix& scores, double temperature) const {
    return log_loss(probabilities_of(scores, temperature), test_.classes);
  }
  [[nodiscard]] const std::vector<std::size_t>& classes() const noexcept { return test_.classes; }
  [[nodiscard]] double size() const { return static_cast<double>(test_.classes.size()); }

 private:
  Examples train_;
  Scaling scaling_;
  Examples test_;
  LogisticRegression regression_;
};

using Folded = std::vector<std::unique_ptr<Fold>>;

Folded folds_of(const Examples& examples, const std::vector<Split>& splits) {
  Folded folds(splits.size());
  for_each_parallel(splits.size(), [&](std::size_t i) { folds[i] = std::make_unique<Fold>(examples, splits[i]); });
  return folds;
}

/// All folds together, one under the other.
double temperature_of(const Folded& folds, const std::vector<Matrix>& scores) {
  constexpr int kHalvings = 14;  // to a thousandth
  Matrix all{0, scores.front().cols};
  std::vector<std::size_t> classes;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    all.rows += scores[i].rows;
    all.values.insert(all.values.end(), scores[i].values.begin(), scores[i].values.end());
    classes.insert(classes.end(), folds[i]->classes().begin(), folds[i]->classes().end());
  }
  return fit_temperature(all, classes, kHalvings);
}

PathPoint measure(Folded& folds, double c) {
  std::vector<Matrix> scores(folds.size());
  for_each_parallel(folds.size(), [&](std::size_t i) { scores[i] = folds[i]->scores(c, kPathTolerance); });
  const double temperature = temperature_of(folds, scores);
  PathPoint point{c, 0, 0, {}};
  double examples = 0;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    point.folds.push_back(folds[i]->loss(scores[i], temperature));
    point.loss += point.folds.back() * folds[i]->size();
    examples += folds[i]->size();
  }
  point.loss /= examples;
  return point;
}

/// How sure it is that the point's loss is above the best one's.
double error_of(const PathPoint& point, const PathPoint& best) {
  const auto count = static_cast<double>(point.folds.size());
  const double mean = point.loss - best.loss;
  double squares = 0;
  for (std::size_t i = 0; i < point.folds.size(); ++i) {
    const double off = point.folds[i] - best.folds[i] - mean;
    squares += off * off;
  }
  return std::sqrt(squares / (count - 1) / count);
}

/// The strongest penalty that one standard error cannot tell from the best.
double choose(std::vector<PathPoint>& path) {
  const PathPoint best = *std::ranges::min_element(path, {}, &PathPoint::loss);
  for (PathPoint& point : path) point.error = error_of(point, best);
  return std::ranges::find_if(path, [&](const PathPoint& p) { return p.loss <= best.loss + p.error; })->c;
}

std::vector<Matrix> scores_at(Folded& folds, double c) {
  std::vector<Matrix> scores(folds.size());
  for_each_parallel(folds.size(), [&](std::size_t i) { scores[i] = folds[i]->scores(c, kFoldTolerance); });
  return scores;
}

}  // namespace

CrossValidation cross_validate(const Examples& examples, const std::vector<Split>& splits) {
  constexpr int kFirst = -24;  // quarters of a decade
  constexpr int kLast = 20;
  constexpr std::size_t kPatience = 8;
  CrossValidation result;
  result.c = kUsualC;
  if (splits.size() < 2) return result;
  Folded folds = folds_of(examples, splits);
  std::size_t best = 0;
  for (int quarter = kFirst; quarter <= kLast && result.path.size() <= best + kPatience; ++quarter) {
    result.path.push_back(measure(folds, std::pow(10.0, quarter / 4.0)));
    if (result.path.back().loss < result.path[best].loss) best = result.path.size() - 1;
  }
  result.c = choose(result.path);
  const std::vector<Matrix> scores = scores_at(folds, result.c);
  std::map<std::size_t, std::span<const double>> rows;  // by example
  for (std::size_t k = 0; k < splits.size(); ++k) {
    for (std::size_t i = 0; i < splits[k].test.size(); ++i) rows[splits[k].test[i]] = scores[k].row(i);
  }
  result.scores = Matrix{rows.size(), examples.num_classes};
  for (const auto& [example, row] : rows) {
    std::ranges::copy(row, result.scores.row(result.measured.size()).begin());
    result.measured.push_back(example);
  }
  return result;
}

std::vector<Matrix> out_of_fold(const Examples& examples, const std::vector<Split>& splits, double c) {
  Folded folds = folds_of(examples, splits);
  return scores_at(folds, c);
}

LinearHead fit_head(const Examples& examples, double c, double tolerance) {
  const Scaling scaling = scaling_of(examples.features);
  Examples all = examples;
  all.features = scaled(std::move(all.features), scaling);
  return unscaled(LogisticRegression(all).fit(c, tolerance), scaling);
}

Examples examples_of(const Examples& all, std::span<const std::size_t> chosen) {
  return {rows_of(all.features, chosen), elements_of(all.classes, chosen), elements_of(all.weights, chosen),
          all.num_classes, all.offsets.rows > 0 ? rows_of(all.offsets, chosen) : Matrix{}};
}

std::vector<double> class_weights(std::span<const std::size_t> classes, std::size_t num_classes, bool balanced) {
  std::vector<double> weights(classes.size(), 1.0);
  if (!balanced) return weights;
  std::vector<double> counts(num_classes);
  for (const std::size_t c : classes) ++counts[c];
  const auto present = static_cast<double>(std::ranges::count_if(counts, [](double count) { return count > 0; }));
  for (std::size_t i = 0; i < classes.size(); ++i) {
    weights[i] = static_cast<double>(classes.size()) / (present * counts[classes[i]]);
  }
  return weights;
}

std::vector<Split> thinned(const std::vector<Split>& splits, std::span<const std::size_t> classes,
                           std::span<const std::size_t> groups, double share, std::uint64_t seed) {
  std::vector<Split> result = splits;
  for (Split& split : result) {
    // The groups of each class, by the class of their first example, in an order that the seed draws.
    std::map<std::size_t, std::vector<std::size_t>> groups_of;
    std::map<std::size_t, std::vector<std::size_t>> members;
    for (const std::size_t i : split.train) {
      if (!members.contains(groups[i])) groups_of[classes[i]].push_back(groups[i]);
      members[groups[i]].push_back(i);
    }
    split.train.clear();
    Random random(seed);
    for (auto& [c, own] : groups_of) {
      for (std::size_t i = own.size(); i > 1; --i) std::swap(own[i - 1], own[random.below(i)]);
      const auto kept = static_cast<std::size_t>(std::ceil(share * static_cast<double>(own.size())));
      own.resize(std::max<std::size_t>(kept, 1));
      for (const std::size_t group : own) {
        split.train.insert(split.train.end(), members[group].begin(), members[group].end());
      }
    }
    std::ranges::sort(split.train);
  }
  return result;
}

}  // namespace fovea::learn
