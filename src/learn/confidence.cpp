#include "learn/confidence.hpp"

#include <algorithm>
#include <cmath>

namespace fovea::learn {
namespace {

constexpr std::size_t kBins = 15;

double gap(const CalibrationBin& bin) {
  return std::fabs(bin.accuracy - bin.confidence);
}

}  // namespace

std::vector<Judged> judged(const Matrix& probabilities, std::span<const std::size_t> classes) {
  std::vector<Judged> answers;
  for (std::size_t i = 0; i < probabilities.rows; ++i) {
    const auto row = probabilities.row(i);
    const std::size_t best = largest(row);
    answers.push_back({row[best], best == classes[i]});
  }
  return answers;
}

std::vector<CalibrationBin> calibration_bins(std::span<const Judged> answers) {
  std::vector<CalibrationBin> bins(kBins);
  for (std::size_t b = 0; b < kBins; ++b) {
    bins[b].low = static_cast<double>(b) / kBins;
    bins[b].high = static_cast<double>(b + 1) / kBins;
  }
  for (const Judged& answer : answers) {
    CalibrationBin& bin = bins[static_cast<std::size_t>(std::clamp(answer.confidence * kBins, 0.0, kBins - 1.0))];
    ++bin.answers;
    bin.confidence += answer.confidence;
    bin.accuracy += answer.right ? 1 : 0;
  }
  for (CalibrationBin& bin : bins) {
    if (bin.answers == 0) continue;
    bin.confidence /= static_cast<double>(bin.answers);
    bin.accuracy /= static_cast<double>(bin.answers);
  }
  return bins;
}

double calibration_error(std::span<const CalibrationBin> bins) {
  double error = 0;
  double answers = 0;
  for (const CalibrationBin& bin : bins) {
    error += static_cast<double>(bin.answers) * gap(bin);
    answers += static_cast<double>(bin.answers);
  }
  return answers > 0 ? error / answers : 0;
}

double calibration_error(const Matrix& probabilities, std::span<const std::size_t> classes) {
  return calibration_error(calibration_bins(judged(probabilities, classes)));
}

double largest_calibration_gap(std::span<const CalibrationBin> bins) {
  double most = 0;
  for (const CalibrationBin& bin : bins) most = std::max(most, gap(bin));
  return most;
}

std::vector<CoveragePoint> coverage_curve(std::span<const Judged> answers) {
  std::vector<Judged> sorted(answers.begin(), answers.end());
  std::ranges::stable_sort(sorted, [](const Judged& a, const Judged& b) { return a.confidence > b.confidence; });
  std::vector<CoveragePoint> curve;
  std::size_t right = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i].right) ++right;
    if (i + 1 < sorted.size() && sorted[i + 1].confidence == sorted[i].confidence) continue;
    curve.push_back({sorted[i].confidence, i + 1, right});
  }
  return curve;
}

const CoveragePoint* widest(std::span<const CoveragePoint> curve, double wanted) {
  const CoveragePoint* found = nullptr;
  for (const CoveragePoint& point : curve) {
    if (point.accuracy() >= wanted) found = &point;
  }
  return found;
}

}  // namespace fovea::learn
