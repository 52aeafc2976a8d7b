#include "learn/unknown.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>

#include "base/parallel.hpp"
#include "learn/metrics.hpp"

namespace fovea::learn {
namespace {

/// A picture's three scores.
struct Scores {
  double energy = 0;
  double distance = 0;
  double neighbours = 0;

  [[nodiscard]] double near(UnknownBy by) const { return by == UnknownBy::kEnergy ? energy : distance; }
};

/// What is learned from some of the pictures.
struct Fitted {
  ClassBalls balls;
  Neighbours neighbours;
};

Fitted fit(const Examples& train) {
  return {fit_balls(train), fit_neighbours(train)};
}

/// One part of the classes left out of one fold.
struct Part {
  Split split;                        // of the other classes
  std::vector<std::size_t> left_out;  // examples
};

std::vector<Part> parts_of(const Examples& examples, const std::vector<Split>& splits) {
  std::vector<Part> parts(std::min(splits.size(), examples.num_classes));
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const auto is_out = [&](std::size_t i) { return examples.classes[i] % parts.size() == k; };
    for (const Split& split : splits) {
      std::ranges::copy_if(split.test, std::back_inserter(parts[k].left_out), is_out);
    }
    std::ranges::sort(parts[k].left_out);
    parts[k].split = splits[k];
    std::erase_if(parts[k].split.train, is_out);
    std::erase_if(parts[k].split.test, is_out);
  }
  return parts;
}

double energy_at(std::span<const double> scores, double temperature) {
  std::vector<double> cooled(scores.begin(), scores.end());
  for (double& value : cooled) value /= temperature;
  return energy(cooled);
}

Scores scores_at(const Fitted& fitted, std::span<const double> logits, double temperature,
                 std::span<const double> features) {
  return {energy_at(logits, temperature), distance(fitted.balls, features), distance(fitted.neighbours, features)};
}

/// Scores of known pictures out of fold, and of classes that were left out.
struct Told {
  std::vector<Scores> known;
  std::vector<Scores> unknown;
};

Told tell(const Examples& examples, const std::vector<Split>& splits, double c, double temperature) {
  const std::vector<Part> parts = parts_of(examples, splits);
  std::vector<Told> told(parts.size());
  for_each_parallel(parts.size(), [&](std::size_t k) {
    const Examples train = examples_of(examples, parts[k].split.train);
    const Fitted fitted = fit(train);
    const LinearHead head = fit_head(train, c, kFoldTolerance);
    const auto score_all = [&](const std::vector<std::size_t>& some, std::vector<Scores>& scores) {
      const Matrix logits = scores_of(head, examples_of(examples, some));
      for (std::size_t i = 0; i < some.size(); ++i) {
        scores.push_back(scores_at(fitted, logits.row(i), temperature, examples.features.row(some[i])));
      }
    };
    score_all(parts[k].split.test, told[k].known);
    score_all(parts[k].left_out, told[k].unknown);
  });
  Told all;
  for (const Told& part : told) {
    all.known.insert(all.known.end(), part.known.begin(), part.known.end());
    all.unknown.insert(all.unknown.end(), part.unknown.begin(), part.unknown.end());
  }
  return all;
}

/// For each split the scores of the pictures that it holds out.
std::vector<std::vector<Scores>> held_out(const Examples& examples, const std::vector<Split>& splits,
                                          const CrossValidation& heads, double temperature) {
  std::map<std::size_t, std::size_t> rows;  // of each measured example
  for (std::size_t i = 0; i < heads.measured.size(); ++i) rows[heads.measured[i]] = i;
  std::vector<std::vector<Scores>> scores(splits.size());
  for_each_parallel(splits.size(), [&](std::size_t k) {
    const Fitted fitted = fit(examples_of(examples, splits[k].train));
    for (const std::size_t i : splits[k].test) {
      scores[k].push_back(scores_at(fitted, heads.scores.row(rows.at(i)), temperature, examples.features.row(i)));
    }
  });
  return scores;
}

/// A rule that the scores of some pictures give.
struct Rule {
  UnknownBy by;
  KnownScores known;
  double threshold = std::numeric_limits<double>::max();

  [[nodiscard]] double strangeness_of(const Scores& scores) const {
    return strangeness(known, scores.near(by), scores.neighbours);
  }
  [[nodiscard]] double share_unknown(const std::vector<Scores>& pictures) const {
    const auto above =
        std::ranges::count_if(pictures, [&](const Scores& scores) { return strangeness_of(scores) > threshold; });
    return pictures.empty() ? 0.0 : static_cast<double>(above) / static_cast<double>(pictures.size());
  }
};

/// At most this share of pictures like these, on average, is stranger than the threshold: it is the ceil((n+1)(1-share))-th
/// smallest (split conformal prediction; Vovk, Gammerman, Shafer 2005), or the largest where there are too few.
Rule rule_of(UnknownBy by, const std::vector<Scores>& pictures, double share) {
  Rule rule{by, {}};
  for (const Scores& scores : pictures) {
    rule.known.near.push_back(scores.near(by));
    rule.known.far.push_back(scores.neighbours);
  }
  std::ranges::sort(rule.known.near);
  std::ranges::sort(rule.known.far);
  std::vector<double> all;
  std::ranges::transform(pictures, std::back_inserter(all), [&](const Scores& one) { return rule.strangeness_of(one); });
  if (all.empty()) return rule;
  std::ranges::sort(all);
  const double place = std::ceil(static_cast<double>(all.size() + 1) * (1 - share));
  rule.threshold = all[std::min(static_cast<std::size_t>(std::max(place, 1.0)), all.size()) - 1];
  return rule;
}

std::vector<Scores> all_but(const std::vector<std::vector<Scores>>& parts, std::size_t without) {
  std::vector<Scores> all;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    if (k != without) all.insert(all.end(), parts[k].begin(), parts[k].end());
  }
  return all;
}

/// The share of each part's pictures that the rule of the other parts rejects, over all parts.
double rejected_share(UnknownBy by, const std::vector<std::vector<Scores>>& parts, double share) {
  double above = 0;
  double all = 0;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const auto size = static_cast<double>(parts[k].size());
    above += size * rule_of(by, all_but(parts, k), share).share_unknown(parts[k]);
    all += size;
  }
  return all > 0 ? above / all : 0.0;
}

/// The share to ask for so that no more than `share` is seen to be rejected, as far as there are pictures enough.
double strict_share(UnknownBy by, const std::vector<std::vector<Scores>>& parts, double share) {
  constexpr int kSteps = 20;
  for (int step = 0; step < kSteps; ++step) {
    const double strict = share * (kSteps - step) / kSteps;
    if (rejected_share(by, parts, strict) <= share) return strict;
  }
  return share / kSteps;
}

double area(const Told& told, double (*score)(const Scores&)) {
  const auto values_of = [&](const std::vector<Scores>& pictures) {
    std::vector<double> values;
    std::ranges::transform(pictures, std::back_inserter(values), score);
    return values;
  };
  return roc_area(values_of(told.known), values_of(told.unknown));
}

}  // namespace

UnknownChoice choose_unknown(const Examples& examples, const std::vector<Split>& splits, const CrossValidation& heads,
                             double temperature, double share) {
  constexpr std::size_t kLeastClasses = 3;
  UnknownChoice choice;
  Told told;
  if (examples.num_classes >= kLeastClasses && splits.size() > 1) {
    told = tell(examples, splits, heads.c, temperature);
    choice.energy_area = area(told, [](const Scores& scores) { return scores.energy; });
    choice.distance_area = area(told, [](const Scores& scores) { return scores.distance; });
    choice.neighbours_area = area(told, [](const Scores& scores) { return scores.neighbours; });
    if (choice.energy_area > choice.distance_area) choice.by = UnknownBy::kEnergy;
  }
  const std::vector<std::vector<Scores>> parts = held_out(examples, splits, heads, temperature);
  const double strict = strict_share(choice.by, parts, share);
  const Rule rule = rule_of(choice.by, all_but(parts, parts.size()), strict);
  choice.known = rule.known;
  choice.threshold = rule.threshold;
  choice.rejected = rejected_share(choice.by, parts, strict);
  // With a rule of its own: fewer classes make other scores.
  choice.caught = rule_of(choice.by, told.known, strict).share_unknown(told.unknown);
  return choice;
}

}  // namespace fovea::learn
