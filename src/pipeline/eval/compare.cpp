// Two models' answers to the same pictures.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "explain/spearman.hpp"
#include "fovea/error.hpp"
#include "learn/paired.hpp"
#include "learn/temperature.hpp"
#include "pipeline/eval/class_match.hpp"
#include "pipeline/eval/evaluate.hpp"

namespace fovea {
namespace {

/// Rows of the two tables that are about one picture.
using Pair = std::pair<std::size_t, std::size_t>;

std::vector<Pair> common(const Answers& first, const Answers& second) {
  std::map<std::size_t, std::size_t> rows;
  for (std::size_t i = 0; i < second.pictures.size(); ++i) rows[second.pictures[i].input] = i;
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < first.pictures.size(); ++i) {
    const auto found = rows.find(first.pictures[i].input);
    if (found != rows.end()) pairs.emplace_back(i, found->second);
  }
  return pairs;
}

bool same_name(const ClassLabel& a, const ClassLabel& b) {
  return a.synset && b.synset ? *a.synset == *b.synset : a.label() == b.label();
}

/// Whether a class of one is the same class of the other. Rows know only some names, but all indices.
bool same_classes(const Answers& first, const Answers& second) {
  const std::size_t both = std::min(first.classes.size(), second.classes.size());
  const bool whole = first.all_classes && second.all_classes;
  if (whole && first.classes.size() != second.classes.size()) return false;
  for (std::size_t c = 0; c < both; ++c) {
    const ClassLabel& a = first.classes[c];
    const ClassLabel& b = second.classes[c];
    const bool named = a.description.has_value() && b.description.has_value();
    if (named && !same_name(a, b)) return false;
  }
  return true;
}

bool is_right(const Answer& answer) {
  return answer.predicted == answer.truth;
}

/// What two tables with the same classes come to.
class Pairing {
 public:
  Pairing(const Answers& first, const Answers& second, const EvalPlan& plan)
      : first_(first), second_(second), plan_(plan), pairs_(common(first, second)) {
    if (!pairs_.empty()) return;
    throw Error(ErrorCode::kUsage,
                fmt::format("{} and {} have no picture in common, expected some", printable(first.model),
                            printable(second.model)),
                "both need answers for the same pictures");
  }

  ComparedModels result(const std::string& method) {
    count();
    const bool same = same_classes(first_, second_);
    const std::vector<std::string> names = distinct_names(first_.classes);
    find_flips(names, distinct_names(second_.classes), same);
    if (same) {
      find_largest_change(names);
    } else {
      miss("largest change of a probability", "the two have different classes");
    }
    if (!method.empty()) compare_maps(method);
    return std::move(compared_);
  }

 private:
  void miss(std::string figure, std::string why) { compared_.missing.push_back({std::move(figure), std::move(why)}); }
  [[nodiscard]] const Answer& a(const Pair& pair) const { return first_.pictures[pair.first]; }
  [[nodiscard]] const Answer& b(const Pair& pair) const { return second_.pictures[pair.second]; }
  [[nodiscard]] std::vector<std::size_t> groups_of(const std::vector<Pair>& pairs) const {
    std::vector<std::size_t> groups;
    groups.reserve(pairs.size());
    for (const Pair& pair : pairs) groups.push_back(plan_.groups[a(pair).input]);
    return groups;
  }
  [[nodiscard]] MeasuredShare mean_of(const std::vector<double>& values, const std::vector<Pair>& pairs) const {
    return mean_share(values, groups_of(pairs), plan_.seed);
  }

  void count() {
    std::vector<double> gains;
    compared_.pictures = pairs_.size();
    for (const Pair& pair : pairs_) {
      const bool first = is_right(a(pair));
      const bool second = is_right(b(pair));
      ++(first && second ? compared_.both_right
         : first         ? compared_.only_first
         : second        ? compared_.only_second
                         : compared_.both_wrong);
      gains.push_back((second ? 1.0 : 0.0) - (first ? 1.0 : 0.0));
    }
    compared_.difference = mean_of(gains, pairs_);
    compared_.mcnemar = learn::mcnemar(compared_.only_first, compared_.only_second);
  }

  /// Models with different classes give the same answer if its name is the same.
  void find_flips(const std::vector<std::string>& names, const std::vector<std::string>& others, bool same) {
    for (const Pair& pair : pairs_) {
      const std::string& first = names[a(pair).predicted];
      const std::string& second = others[b(pair).predicted];
      const bool agree = same ? a(pair).predicted == b(pair).predicted : first == second;
      if (agree || (is_right(a(pair)) && is_right(b(pair)))) continue;
      compared_.flips.push_back({plan_.inputs[a(pair).input].path, names[a(pair).truth], first, second,
                                 is_right(a(pair)), is_right(b(pair))});
    }
    // What changes from right to wrong or back comes first.
    std::ranges::stable_sort(compared_.flips, [](const FlippedPicture& x, const FlippedPicture& y) {
      return (x.first_right != x.second_right) > (y.first_right != y.second_right);
    });
  }

  void find_largest_change(const std::vector<std::string>& names) {
    if (first_.scores.rows == 0 || second_.scores.rows == 0 || first_.function != second_.function) {
      miss("largest change of a probability", "the rows lack some classes; rows of all classes have them (-k)");
      return;
    }
    LargestChange& change = compared_.largest_change.emplace();
    for (const Pair& pair : pairs_) {
      const std::vector<double> first = probabilities(first_, pair.first);
      const std::vector<double> second = probabilities(second_, pair.second);
      for (std::size_t c = 0; c < first.size(); ++c) {
        if (std::fabs(second[c] - first[c]) <= std::fabs(change.second - change.first)) continue;
        change = {plan_.inputs[a(pair).input].path, names[c], first[c], second[c]};
      }
    }
    if (change.path.empty()) compared_.largest_change.reset();  // none changed
  }

  static std::vector<double> probabilities(const Answers& answers, std::size_t row) {
    const auto scores = answers.scores.row(row);
    learn::Matrix one{1, scores.size(), {scores.begin(), scores.end()}};
    if (answers.function == ScoreFunction::kSoftmax) return learn::probabilities_of(std::move(one), 1).values;
    for (double& value : one.values) value = answers.precision.empty() ? std::exp(value) : 1 / (1 + std::exp(-value));
    return one.values;
  }

  void compare_maps(const std::string& method) {
    MapDrift& drift = compared_.maps.emplace();
    drift.method = method;
    std::vector<double> correlations;
    std::vector<double> shared;
    std::vector<Pair> pairs;
    for (const Pair& pair : pairs_) {
      const PatchMap& first = a(pair).map.value();
      const PatchMap& second = b(pair).map.value();
      if (first.target != second.target) {
        ++drift.other_class;
        continue;
      }
      const double correlation = spearman(first.values, second.values);
      if (!std::isfinite(correlation)) continue;  // a flat map ranks nothing
      if (correlations.empty() || correlation < drift.lowest_correlation) {
        drift.lowest_correlation = correlation;
        drift.lowest_path = plan_.inputs[a(pair).input].path;
      }
      correlations.push_back(correlation);
      shared.push_back(best_shared(first.values, second.values));
      pairs.push_back(pair);
    }
    drift.pictures = pairs.size();
    if (pairs.empty()) return;
    drift.correlation = mean_of(correlations, pairs);
    drift.shared = mean_of(shared, pairs);
  }

  /// The share of the best tenth of the patches that both maps have in it.
  static double best_shared(std::span<const float> first, std::span<const float> second) {
    const std::size_t count = (first.size() + 9) / 10;
    const std::vector<std::size_t> best = top_k(first, count);
    const std::set<std::size_t> known(best.begin(), best.end());
    std::size_t both = 0;
    for (const std::size_t patch : top_k(second, count)) both += known.contains(patch) ? 1U : 0U;
    return static_cast<double>(both) / static_cast<double>(count);
  }

  const Answers& first_;
  const Answers& second_;
  const EvalPlan& plan_;
  std::vector<Pair> pairs_;
  ComparedModels compared_;
};

}  // namespace

ComparedModels compare(const Answers& first, const Answers& second, const EvalPlan& plan, const std::string& maps) {
  return Pairing(first, second, plan).result(maps);
}

}  // namespace fovea
