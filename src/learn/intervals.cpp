#include "learn/intervals.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "base/numerics.hpp"
#include "base/process/interrupt.hpp"
#include "base/random.hpp"

namespace fovea::learn {
namespace {

constexpr std::size_t kResamples = 1000;

Interval interval_of(const std::vector<double>& values) {
  return {quantile(values, 0.025), quantile(values, 0.975)};
}

/// The examples of each group, in the order of their first ones.
std::vector<std::vector<std::size_t>> members_of(std::span<const std::size_t> groups) {
  std::map<std::size_t, std::size_t> places;
  std::vector<std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto [place, is_new] = places.emplace(groups[i], members.size());
    if (is_new) members.emplace_back();
    members[place->second].push_back(i);
  }
  return members;
}

/// Calls body(resample, example) for each example of each resample.
template <typename Body>
void draw(std::span<const std::size_t> groups, std::uint64_t seed, const Body& body) {
  const auto members = members_of(groups);
  Random random(seed);
  for (std::size_t resample = 0; resample < kResamples; ++resample) {
    stop_if_interrupted();
    for (std::size_t drawn = 0; drawn < members.size(); ++drawn) {
      for (const std::size_t example : members[random.below(members.size())]) body(resample, example);
    }
  }
}

/// One resample's counts at a time: those of all resamples would be large.
class Resampled {
 public:
  explicit Resampled(std::size_t classes) : counts_(classes) {}
  void count(std::size_t resample, std::size_t truth, std::size_t predicted) {
    if (resample != resample_) close();
    resample_ = resample;
    count_example(counts_, truth, predicted);
  }
  [[nodiscard]] AccuracyIntervals intervals() {
    close();
    return {interval_of(top1_), interval_of(balanced_), interval_of(macro_f1_), interval_of(weighted_f1_)};
  }

 private:
  void close() {
    const Accuracy accuracy = accuracy_of(counts_);
    top1_.push_back(accuracy.top1);
    balanced_.push_back(accuracy.balanced);
    macro_f1_.push_back(accuracy.macro_f1);
    weighted_f1_.push_back(accuracy.weighted_f1);
    std::ranges::fill(counts_, ClassCounts{});
  }

  std::size_t resample_ = 0;
  std::vector<ClassCounts> counts_;
  std::vector<double> top1_;
  std::vector<double> balanced_;
  std::vector<double> macro_f1_;
  std::vector<double> weighted_f1_;
};

}  // namespace

AccuracyIntervals bootstrap(const Outcomes& outcomes, std::uint64_t seed) {
  if (outcomes.truth.empty()) return {};
  Resampled resampled(outcomes.num_classes);
  draw(outcomes.groups, seed, [&](std::size_t resample, std::size_t example) {
    resampled.count(resample, outcomes.truth[example], outcomes.predicted[example]);
  });
  return resampled.intervals();
}

Interval bootstrap_difference(const Outcomes& better, std::span<const std::size_t> other, std::uint64_t seed) {
  if (better.truth.empty()) return {};
  std::vector<double> gains(kResamples);
  std::vector<double> sizes(kResamples);
  draw(better.groups, seed, [&](std::size_t resample, std::size_t example) {
    const std::size_t truth = better.truth[example];
    gains[resample] += (better.predicted[example] == truth ? 1 : 0) - (other[example] == truth ? 1 : 0);
    ++sizes[resample];
  });
  for (std::size_t i = 0; i < kResamples; ++i) gains[i] /= sizes[i];
  return interval_of(gains);
}

Interval bootstrap_mean(std::span<const double> values, std::span<const std::size_t> groups, std::uint64_t seed) {
  if (values.empty()) return {};
  std::vector<double> sums(kResamples);
  std::vector<double> sizes(kResamples);
  draw(groups, seed, [&](std::size_t resample, std::size_t example) {
    sums[resample] += values[example];
    ++sizes[resample];
  });
  for (std::size_t i = 0; i < kResamples; ++i) sums[i] /= sizes[i];
  return interval_of(sums);
}

Interval wilson(std::size_t hits, std::size_t count) {
  if (count == 0) return {0, 1};
  constexpr double kZ = 1.959963984540054;  // of 95 %
  const auto n = static_cast<double>(count);
  const double share = static_cast<double>(hits) / n;
  const double scale = 1 / (1 + kZ * kZ / n);
  const double middle = scale * (share + kZ * kZ / (2 * n));
  const double half = scale * kZ * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  return {hits == 0 ? 0 : middle - half, hits == count ? 1 : middle + half};  // without rounding
}

}  // namespace fovea::learn
