#include "pipeline/audit/experiments.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>

#include "base/process/interrupt.hpp"
#include "base/random.hpp"
#include "fovea/error.hpp"
#include "learn/intervals.hpp"
#include "learn/matrix.hpp"
#include "pipeline/audit/changed_pictures.hpp"
#include "pipeline/audit/shrunk.hpp"

namespace fovea {
namespace {

using Probabilities = std::vector<std::vector<double>>;  // [n][classes]

std::size_t best_of(const std::vector<double>& row) {
  return learn::largest(row);
}

/// Two changes of the same pictures, held against each other.
struct Pairs {
  std::vector<Image> changed;
  std::vector<Image> control;
};

class MarkTrials {
 public:
  MarkTrials(const Mark& mark, const ExperimentPictures& pictures, AskedModel& model, std::uint64_t seed)
      : mark_(mark), pictures_(pictures), model_(model), random_(seed + 31 * mark.of_class) {}

  std::vector<AuditTrial> run() {
    const std::vector<Image> carriers = some_of(mark_.carriers);
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < pictures_.classes.size(); ++i) {
      if (pictures_.classes[i] != mark_.of_class) rows.push_back(i);
    }
    const std::vector<Image> others = some_of(rows);
    const std::vector<Image> donors = some_of(rows);  // for the control: of other classes, too
    if (carriers.empty() || others.empty()) return {};
    if (mark_.region.empty()) return tint_trials(carriers, others);
    std::vector<AuditTrial> trials;
    for (const Hiding hiding : {Hiding::kMean, Hiding::kBlur}) {
      const char* what = hiding == Hiding::kMean ? "hidden under the mean colour" : "hidden under a blur";
      trials.push_back(compare(what, "a random region of equal area", hide(carriers, hiding), -1));
    }
    Pairs paste;
    for (std::size_t i = 0; i < others.size(); ++i) {
      paste.changed.push_back(pasted(others[i], carriers[i % carriers.size()], mark_.region));
      paste.control.push_back(pasted(others[i], donors[(i + 1) % donors.size()], mark_.region));
    }
    trials.push_back(compare("put on pictures of other classes", "the same region of a picture of another class",
                             std::move(paste), 1));
    return trials;
  }

 private:
  /// At most kTrialPictures of these rows' pictures, drawn at random.
  std::vector<Image> some_of(std::span<const std::size_t> rows) {
    std::vector<std::size_t> order(rows.begin(), rows.end());
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
    std::vector<Image> images;
    for (const std::size_t row : order) {
      if (images.size() == kTrialPictures) break;
      stop_if_interrupted();
      try {
        images.push_back(picture_for_experiment(pictures_.inputs[pictures_.chosen[row]]));
      } catch (const Error&) {
        continue;  // it was read before, and has gone meanwhile
      }
    }
    return images;
  }

  Pairs hide(const std::vector<Image>& carriers, Hiding hiding) {
    Pairs pairs;
    for (const Image& picture : carriers) {
      pairs.changed.push_back(hidden(picture, mark_.region, hiding));
      pairs.control.push_back(hidden(picture, std::array{elsewhere()}, hiding));
    }
    return pairs;
  }
  /// A random box of the region's area that covers as little of the region as few draws allow.
  learn::RelativeBox elsewhere() {
    constexpr int kDraws = 12;
    learn::RelativeBox best;
    double least = 2;
    for (int draw = 0; draw < kDraws; ++draw) {
      const double down = random_.uniform();
      const learn::RelativeBox box =
          box_of_area(area_of(mark_.region), mark_.region.front(), down, random_.uniform());
      double covered = 0;
      for (const learn::RelativeBox& part : mark_.region) covered += overlap_of(box, part);
      if (covered >= least) continue;
      least = covered;
      best = box;
    }
    return best;
  }

  std::vector<AuditTrial> tint_trials(const std::vector<Image>& carriers, const std::vector<Image>& others) {
    const double mean = (mark_.hue[0] + mark_.hue[1]) / 3;  // so that the picture gets no lighter
    const std::array<double, 3> tint{mark_.hue[0] - mean, -mean, mark_.hue[1] - mean};
    const auto levels = [](const std::array<double, 3>& some, double sign) {
      return std::array{sign * some[0], sign * some[1], sign * some[2]};
    };
    const std::array<double, 3> exchanged{tint[1], tint[2], tint[0]};
    Pairs away;
    Pairs on;
    for (const Image& picture : carriers) {
      away.changed.push_back(tinted(picture, levels(tint, -1)));
      away.control.push_back(tinted(picture, levels(exchanged, -1)));
    }
    for (const Image& picture : others) {
      on.changed.push_back(tinted(picture, levels(tint, 1)));
      on.control.push_back(tinted(picture, levels(exchanged, 1)));
    }
    const char* control = "the same tint with its channels exchanged";
    return {compare("taken away", control, std::move(away), -1),
            compare("laid on pictures of other classes", control, std::move(on), 1)};
  }

  /// @param sign  1: flips are those to the class; -1: those away from it
  AuditTrial compare(std::string what, std::string control, Pairs pairs, int sign) {
    const Probabilities changed = model_(pairs.changed);
    const Probabilities plain = model_(pairs.control);
    AuditTrial trial{std::move(what), std::move(control), changed.size(), {}, 0, 0};
    std::vector<double> differences;
    const auto flipped = [&](const std::vector<double>& row) {
      return (best_of(row) == mark_.of_class) == (sign > 0) ? 1.0 / static_cast<double>(changed.size()) : 0.0;
    };
    for (std::size_t i = 0; i < changed.size(); ++i) {
      differences.push_back(changed[i][mark_.of_class] - plain[i][mark_.of_class]);
      trial.flips += flipped(changed[i]);
      trial.control_flips += flipped(plain[i]);
    }
    std::vector<std::size_t> alone(differences.size());
    std::iota(alone.begin(), alone.end(), std::size_t{0});
    const learn::Interval interval = learn::bootstrap_mean(differences, alone, 0);
    const double sum = std::accumulate(differences.begin(), differences.end(), 0.0);
    trial.change = {sum / static_cast<double>(differences.size()), interval.low, interval.high};
    return trial;
  }

  const Mark& mark_;
  const ExperimentPictures& pictures_;
  AskedModel& model_;
  Random random_;
};

}  // namespace

std::size_t passes_of(const Mark& mark) {
  const std::size_t carriers = std::min(mark.carriers.size(), kTrialPictures);
  if (carriers == 0) return 0;
  return mark.region.empty() ? 2 * carriers + 2 * kTrialPictures : 4 * carriers + 2 * kTrialPictures;
}

std::vector<AuditTrial> try_mark(const Mark& mark, const ExperimentPictures& pictures, AskedModel& model,
                                 std::uint64_t seed) {
  return MarkTrials(mark, pictures, model, seed).run();
}

std::string verdict_of(const std::vector<AuditTrial>& trials) {
  if (trials.empty()) return {};
  std::size_t hides = 0;
  std::size_t agreed = 0;
  for (std::size_t i = 0; i + 1 < trials.size(); ++i) {
    ++hides;
    if (trials[i].change.high < 0) ++agreed;
  }
  const bool hiding = hides > 0 && agreed == hides;
  const bool pasting = trials.back().change.low > 0;
  if (hiding && pasting) return "the model uses it: less sure without it, and it makes other pictures more of the class";
  if (hiding) return "the model uses it: less sure without it; on other pictures it changes nothing that is told apart";
  if (pasting) return "the model uses it: it makes other pictures more of the class";
  return "this head hardly uses it; a head that is learned further may";
}

}  // namespace fovea
