#include "pipeline/audit/experiments.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "base/process/interrupt.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"
#include "image/codec/encode.hpp"
#include "image/overlay/overlay.hpp"
#include "learn/intervals.hpp"
#include "learn/matrix.hpp"
#include "pipeline/audit/changed_pictures.hpp"

namespace fovea {
namespace {

using Probabilities = std::vector<std::vector<double>>;  // [n][classes]

std::size_t best_of(const std::vector<double>& row) {
  return learn::largest(row);
}

/// In base64.
std::string small_jpeg(const Image& picture) {
  constexpr int kSide = 120;  // px
  constexpr int kQuality = 80;
  return base64(encode_jpeg(thumbnail(picture, kSide), kQuality));
}

/// Two changes of the same pictures, held against each other.
struct Pairs {
  std::vector<Image> changed;
  std::vector<Image> control;
};

/// A picture, and where in it the suspect lies.
struct Subject {
  Image picture;
  SuspectPlace place;
};

class SuspectTrials {
 public:
  SuspectTrials(const Suspect& suspect, const ExperimentPictures& pictures, AskedModel& model, std::uint64_t seed)
      : suspect_(suspect), pictures_(pictures), model_(model), random_(seed + 31 * suspect.of_class) {}

  std::vector<AuditTrial> run() {
    const std::vector<Subject> carriers = some_of(suspect_.carriers);
    const std::vector<Subject> others = some_of(suspect_.others);
    const std::vector<Subject> donors = some_of(suspect_.others);  // for the control: of other classes, too
    if (carriers.empty() || others.empty()) return {};
    if (!suspect_.place) return tint_trials(carriers, others);
    std::vector<AuditTrial> trials;
    for (const Hiding hiding : {Hiding::kMean, Hiding::kBlur}) {
      const char* what = hiding == Hiding::kMean ? "hidden under the mean colour" : "hidden under a blur";
      trials.push_back(compare(AuditTrialKind::kHidden, what, "a random region of equal area", hide(carriers, hiding)));
    }
    Pairs only;
    for (const Subject& one : carriers) {
      only.changed.push_back(alone(one.picture, one.place.region));
      only.control.push_back(alone(one.picture, std::array{elsewhere(one.place)}));
    }
    trials.push_back(
        compare(AuditTrialKind::kAlone, "shown alone", "a random region of equal area alone", std::move(only)));
    Pairs paste;
    for (std::size_t i = 0; i < others.size(); ++i) {
      const Subject& one = others[i];
      paste.changed.push_back(pasted(one.picture, carriers[i % carriers.size()].picture, one.place.region));
      paste.control.push_back(pasted(one.picture, donors[(i + 1) % donors.size()].picture, one.place.region));
    }
    trials.push_back(compare(AuditTrialKind::kPasted, "put on pictures of other classes",
                             "the same region of a picture of another class", std::move(paste)));
    return trials;
  }

 private:
  /// At most kTrialPictures of these rows' pictures, drawn at random.
  std::vector<Subject> some_of(std::span<const std::size_t> rows) {
    std::vector<std::size_t> order(rows.begin(), rows.end());
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
    std::vector<Subject> subjects;
    for (const std::size_t row : order) {
      if (subjects.size() == kTrialPictures) break;
      stop_if_interrupted();
      SuspectPlace place = suspect_.place ? suspect_.place(row) : SuspectPlace{};
      if (suspect_.place && place.region.empty()) continue;
      try {
        subjects.push_back({picture_for_experiment(pictures_.inputs[pictures_.chosen[row]]), std::move(place)});
      } catch (const Error& error) {
        pictures_.lost->emplace(row, error.what());
      }
    }
    return subjects;
  }

  Pairs hide(const std::vector<Subject>& carriers, Hiding hiding) {
    Pairs pairs;
    for (const Subject& one : carriers) {
      pairs.changed.push_back(hidden(one.picture, one.place.region, hiding));
      pairs.control.push_back(hidden(one.picture, std::array{elsewhere(one.place)}, hiding));
    }
    return pairs;
  }
  /// A random box of the region's area that covers as little of the region as few draws allow.
  learn::RelativeBox elsewhere(const SuspectPlace& place) {
    constexpr int kDraws = 12;
    const double area = area_of(place.region) / std::max(area_of(std::array{place.seen}), 1e-9);
    const learn::RelativeBox like = relative_to(place.seen, place.region.front());
    learn::RelativeBox best;
    double least = 2;
    for (int draw = 0; draw < kDraws; ++draw) {
      const double down = random_.uniform();
      const learn::RelativeBox box = inside(place.seen, box_of_area(area, like, down, random_.uniform()));
      double covered = 0;
      for (const learn::RelativeBox& part : place.region) covered += overlap_of(box, part);
      if (covered >= least) continue;
      least = covered;
      best = box;
    }
    return best;
  }

  std::vector<AuditTrial> tint_trials(const std::vector<Subject>& carriers, const std::vector<Subject>& others) {
    const learn::Hue& hue = suspect_.hue;
    const double mean = (hue[0] + hue[1]) / 3;  // so that the picture gets no lighter
    const std::array<double, 3> tint{hue[0] - mean, -mean, hue[1] - mean};
    const auto levels = [](const std::array<double, 3>& some, double sign) {
      return std::array{sign * some[0], sign * some[1], sign * some[2]};
    };
    const std::array<double, 3> exchanged{tint[1], tint[2], tint[0]};
    Pairs away;
    Pairs on;
    for (const Subject& one : carriers) {
      away.changed.push_back(tinted(one.picture, levels(tint, -1)));
      away.control.push_back(tinted(one.picture, levels(exchanged, -1)));
    }
    for (const Subject& one : others) {
      on.changed.push_back(tinted(one.picture, levels(tint, 1)));
      on.control.push_back(tinted(one.picture, levels(exchanged, 1)));
    }
    const char* control = "the same tint with its channels exchanged";
    return {compare(AuditTrialKind::kHidden, "taken away", control, std::move(away)),
            compare(AuditTrialKind::kPasted, "laid on pictures of other classes", control, std::move(on))};
  }

  AuditTrial compare(AuditTrialKind kind, std::string what, std::string control, Pairs pairs) {
    const Probabilities changed = model_(pairs.changed);
    const Probabilities plain = model_(pairs.control);
    AuditTrial trial{.kind = kind, .what = std::move(what), .control = std::move(control), .pictures = changed.size()};
    std::vector<double> differences;
    const auto flipped = [&](const std::vector<double>& row) {
      const bool called_so = best_of(row) == suspect_.of_class;
      return called_so == (kind != AuditTrialKind::kHidden) ? 1.0 / static_cast<double>(changed.size()) : 0.0;
    };
    for (std::size_t i = 0; i < changed.size(); ++i) {
      differences.push_back(changed[i][suspect_.of_class] - plain[i][suspect_.of_class]);
      trial.flips += flipped(changed[i]);
      trial.control_flips += flipped(plain[i]);
    }
    std::vector<std::size_t> single(differences.size());
    std::iota(single.begin(), single.end(), std::size_t{0});
    const learn::Interval interval = learn::bootstrap_mean(differences, single, 0);
    const double sum = std::accumulate(differences.begin(), differences.end(), 0.0);
    trial.change = {sum / static_cast<double>(differences.size()), interval.low, interval.high};
    const auto most = std::ranges::max_element(differences, {}, [](double d) { return std::abs(d); });
    const auto shown = static_cast<std::size_t>(most - differences.begin());
    trial.example = {small_jpeg(pairs.changed[shown]), small_jpeg(pairs.control[shown]),
                     changed[shown][suspect_.of_class], plain[shown][suspect_.of_class]};
    return trial;
  }

  const Suspect& suspect_;
  const ExperimentPictures& pictures_;
  AskedModel& model_;
  Random random_;
};

}  // namespace

std::size_t passes_of(const Suspect& suspect) {
  const std::size_t carriers = std::min(suspect.carriers.size(), kTrialPictures);
  const std::size_t others = std::min(suspect.others.size(), kTrialPictures);
  if (carriers == 0 || others == 0) return 0;
  return (suspect.place ? 6 : 2) * carriers + 2 * others;
}

std::vector<AuditTrial> try_suspect(const Suspect& suspect, const ExperimentPictures& pictures, AskedModel& model,
                                    std::uint64_t seed) {
  return SuspectTrials(suspect, pictures, model, seed).run();
}

std::string verdict_of(const std::vector<AuditTrial>& trials, bool is_mark) {
  if (trials.empty()) return {};
  bool hiding = true;  // less sure in each of the ways to hide it
  bool pasting = false;
  bool showing = false;
  for (const AuditTrial& trial : trials) {
    if (trial.kind == AuditTrialKind::kHidden) hiding = hiding && trial.change.high < 0;
    if (trial.kind == AuditTrialKind::kPasted) pasting = trial.change.low > 0;
    if (trial.kind == AuditTrialKind::kAlone) showing = trial.change.low > 0;
  }
  // A region alone is hardly a picture, so that it decides nothing by itself.
  if (!hiding && !pasting) {
    return fmt::format("{}{}", is_mark ? "this head hardly uses it; a head that is learned further may"
                                       : "hiding and pasting do not tell it from another region: no sign that the model decides by it",
                       showing ? "; alone it speaks for the class more than another region alone" : "");
  }
  std::vector<std::string> reasons;
  if (hiding) reasons.emplace_back("less sure without it");
  if (showing) reasons.emplace_back("surer by it alone than by another region alone");
  if (pasting) reasons.emplace_back("it makes other pictures more of the class");
  return fmt::format("the model uses it: {}{}", fmt::join(reasons, "; "),
                     hiding && !pasting ? "; on other pictures it changes nothing that is told apart" : "");
}

}  // namespace fovea
