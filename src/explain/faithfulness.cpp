#include "explain/faithfulness.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/numerics.hpp"
#include "base/random.hpp"

namespace fovea {
namespace {

constexpr std::size_t kSteps = 14;      // the least number of steps from the whole picture to nothing
constexpr std::size_t kRandomMaps = 5;  // enough to estimate chance and its spread
constexpr double kFarOut = 4;           // times the median length, of a token that is warned of
constexpr double kClearlyApart = 2;     // standard deviations of the random maps

template <typename Less>
std::vector<std::size_t> sorted_patches(std::size_t patches, Less less) {
  std::vector<std::size_t> order(patches);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), less);
  return order;
}

}  // namespace

std::string_view name(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kBetterThanRandom: return "better than random";
    case Verdict::kNoBetterThanRandom: return "no better than random";
    case Verdict::kWorseThanRandom: return "worse than random";
  }
  return "";
}

std::string_view name(Substrate substrate) noexcept {
  return substrate == Substrate::kPaint ? "paint" : "drop";
}

std::vector<std::size_t> patch_order(std::span<const float> values) {
  return sorted_patches(values.size(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
}

std::vector<std::size_t> centre_order(PatchGrid grid) {
  // Squared, in units of the picture's sides over 2·rows·cols. These are whole numbers, so that opposite patches are
  // equally far from the middle.
  const auto distance = [&](std::size_t patch) {
    const auto rows = static_cast<std::int64_t>(grid.rows);
    const auto cols = static_cast<std::int64_t>(grid.cols);
    const auto row = static_cast<std::int64_t>(patch / grid.cols);
    const auto col = static_cast<std::int64_t>(patch % grid.cols);
    const std::int64_t y = (2 * row + 1 - rows) * cols;
    const std::int64_t x = (2 * col + 1 - cols) * rows;
    return y * y + x * x;
  };
  return sorted_patches(grid.size(), [&](std::size_t a, std::size_t b) { return distance(a) < distance(b); });
}

std::vector<std::size_t> random_order(std::size_t patches, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::size_t> order = sorted_patches(patches, [](std::size_t, std::size_t) { return false; });
  for (std::size_t left = patches; left > 1; --left) {  // Fisher and Yates
    std::swap(order[left - 1], order[static_cast<std::size_t>(random.below(left))]);
  }
  return order;
}

std::size_t perturbation_step(std::size_t patches) {
  return std::max<std::size_t>(patches / kSteps, 1);
}

double area_under(std::span<const float> probabilities) {
  const double sum = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  const double ends = double{probabilities.front()} + double{probabilities.back()};
  return (sum - ends / 2) / static_cast<double>(probabilities.size() - 1);
}

PerturbationAreas Perturbation::areas(const std::vector<std::size_t>& order) {
  return {area_under(deletion(order)), area_under(insertion(order))};
}

PerturbationAreas Perturbation::areas_both_ways(const std::vector<std::size_t>& order) {
  PerturbationAreas both = areas(order);
  both.least_first = area_under(deletion({order.rbegin(), order.rend()}));
  return both;
}

Painting::Painting(std::span<const float> patches, std::span<const float> blurred, std::size_t num_patches,
                   std::size_t most, const RunAgain& run)
    : empty_(patches.size()),
      num_patches_(num_patches),
      most_(most),
      run_(run),
      whole_{patches, score(patches)},
      nothing_{empty_, score(empty_)},
      blurred_{blurred, score(blurred)} {}

std::vector<float> Painting::deletion(const std::vector<std::size_t>& order) {
  return between(order, whole_, nothing_);
}

std::vector<float> Painting::insertion(const std::vector<std::size_t>& order) {
  return between(order, blurred_, whole_);
}

float Painting::score(std::span<const float> patches) const {
  return run_(patches).front().probability;
}

std::vector<float> Painting::between(const std::vector<std::size_t>& order, const Scored& from, const Scored& to) {
  const std::size_t step = perturbation_step(num_patches_);
  const std::size_t dim = from.patches.size() / num_patches_;
  std::vector<float> image(from.patches.begin(), from.patches.end());
  std::vector<float> batch;
  std::vector<float> probabilities{from.probability};
  for (std::size_t changed = 0; changed + step < num_patches_; changed += step) {  // all steps between the two ends
    for (std::size_t at = changed; at < changed + step; ++at) {
      const auto begin = static_cast<std::ptrdiff_t>(order[at] * dim);
      std::copy_n(to.patches.begin() + begin, dim, image.begin() + begin);
    }
    batch.insert(batch.end(), image.begin(), image.end());
    const bool last = changed + 2 * step >= num_patches_;
    if (batch.size() < most_ * image.size() && !last) continue;
    for (const ClassScore& score : run_(batch)) probabilities.push_back(score.probability);
    batch.clear();
  }
  probabilities.push_back(to.probability);
  return probabilities;
}

std::vector<float> Dropping::deletion(const std::vector<std::size_t>& order) {
  std::vector<float> probabilities;
  const std::size_t step = perturbation_step(num_patches_);
  for (std::size_t gone = 0; gone < num_patches_; gone += step) {
    probabilities.push_back(score(std::span(order).subspan(gone)));
  }
  probabilities.push_back(score({}));
  return probabilities;
}

std::vector<float> Dropping::insertion(const std::vector<std::size_t>& order) {
  std::vector<float> probabilities;
  const std::size_t step = perturbation_step(num_patches_);
  for (std::size_t shown = 0; shown < num_patches_; shown += step) {
    probabilities.push_back(score(std::span(order).first(shown)));
  }
  probabilities.push_back(score(order));
  return probabilities;
}

float Dropping::score(std::span<const std::size_t> kept) const {
  std::vector<std::size_t> patches(kept.begin(), kept.end());
  std::sort(patches.begin(), patches.end());
  return run_({patches, 1, patches.size()}).front().probability;
}

PerturbationBaselines perturbation_baselines(Perturbation& perturbation, PatchGrid grid, std::uint64_t seed) {
  PerturbationBaselines baselines;
  for (std::size_t draw = 0; draw < kRandomMaps; ++draw) {
    baselines.random.push_back(perturbation.areas(random_order(grid.size(), seed * kRandomMaps + draw)));
  }
  baselines.centre = perturbation.areas_both_ways(centre_order(grid));
  return baselines;
}

Faithfulness judge(const PerturbationAreas& map, const PerturbationBaselines& baselines, std::size_t num_patches,
                   Substrate substrate) {
  Faithfulness result;
  result.substrate = substrate;
  result.map = map;
  result.centre = baselines.centre;
  result.random_maps = baselines.random.size();
  result.step = perturbation_step(num_patches);
  const auto count = static_cast<double>(baselines.random.size());
  double mean = 0;
  for (const PerturbationAreas& random : baselines.random) {
    result.random.deletion += random.deletion / count;
    result.random.insertion += random.insertion / count;
    mean += random.gain() / count;
  }
  double squares = 0;
  for (const PerturbationAreas& random : baselines.random) squares += (random.gain() - mean) * (random.gain() - mean);
  const double spread = std::sqrt(squares / (count - 1));
  const double apart = map.gain() - mean;
  result.verdict = apart > kClearlyApart * spread    ? Verdict::kBetterThanRandom
                   : apart < -kClearlyApart * spread ? Verdict::kWorseThanRandom
                                                     : Verdict::kNoBetterThanRandom;
  return result;
}

namespace {

/// [T]
std::vector<double> patch_norms(MatrixView<const float> tokens, std::size_t num_prefix) {
  std::vector<double> norms;
  norms.reserve(tokens.rows() - num_prefix);
  for (std::size_t row = num_prefix; row < tokens.rows(); ++row) {
    double squares = 0;
    for (const float value : tokens.row(row)) squares += double{value} * double{value};
    norms.push_back(std::sqrt(squares));
  }
  return norms;
}

/// Five robust standard deviations above the median.
double outlier_limit(const std::vector<double>& norms) {
  const double middle = quantile(norms, 0.5);
  std::vector<double> deviations(norms.size());
  std::transform(norms.begin(), norms.end(), deviations.begin(), [&](double norm) { return std::abs(norm - middle); });
  return middle + 5 * 1.4826 * quantile(deviations, 0.5);
}

}  // namespace

float outlier_share(MatrixView<const float> tokens, std::size_t num_prefix) {
  const std::vector<double> norms = patch_norms(tokens, num_prefix);
  const double limit = outlier_limit(norms);
  const auto outliers = std::count_if(norms.begin(), norms.end(), [&](double norm) { return norm > limit; });
  return static_cast<float>(outliers) / static_cast<float>(norms.size());
}

std::vector<std::size_t> outlier_patches(MatrixView<const float> tokens, std::size_t num_prefix) {
  const std::vector<double> norms = patch_norms(tokens, num_prefix);
  const double limit = std::max(outlier_limit(norms), kFarOut * quantile(norms, 0.5));
  std::vector<std::size_t> patches;
  for (std::size_t patch = 0; patch < norms.size(); ++patch) {
    if (norms[patch] > limit) patches.push_back(patch);
  }
  return patches;
}

std::optional<OutlierTokens> outlier_tokens(MatrixView<const float> tokens, std::size_t num_prefix) {
  const std::vector<std::size_t> patches = outlier_patches(tokens, num_prefix);
  if (patches.empty()) return std::nullopt;
  const std::vector<double> norms = patch_norms(tokens, num_prefix);
  return OutlierTokens{patches.size(), norms.size(),
                       *std::max_element(norms.begin(), norms.end()) / quantile(norms, 0.5)};
}

}  // namespace fovea
