// Whether probabilities mean what they say, and how far the sure answers can be trusted.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "learn/matrix.hpp"

namespace fovea::learn {

/// An answer, its probability, and whether it is right.
struct Judged {
  double confidence = 0;
  bool right = false;
};
/// The best class of each row.
/// @param probabilities  [n, C]
[[nodiscard]] std::vector<Judged> judged(const Matrix& probabilities, std::span<const std::size_t> classes);

/// The answers of nearly one confidence.
struct CalibrationBin {
  double low = 0;  // of the confidence; `high` belongs to the next bin, but for 1
  double high = 1;
  std::size_t answers = 0;
  double confidence = 0;  // means; 0 without answers
  double accuracy = 0;
};
/// 15 bins of equal width, as in torchmetrics.
[[nodiscard]] std::vector<CalibrationBin> calibration_bins(std::span<const Judged> answers);
/// Expected calibration error: the mean over answers of |accuracy − confidence| of their bins.
[[nodiscard]] double calibration_error(std::span<const CalibrationBin> bins);
[[nodiscard]] double calibration_error(const Matrix& probabilities, std::span<const std::size_t> classes);
/// The largest |accuracy − confidence| of a bin.
[[nodiscard]] double largest_calibration_gap(std::span<const CalibrationBin> bins);

/// What is right where only sure answers count.
struct CoveragePoint {
  double threshold = 0;     // answers with at least this confidence
  std::size_t answers = 0;  // so many
  std::size_t right = 0;    // of them
  [[nodiscard]] double accuracy() const noexcept { return static_cast<double>(right) / static_cast<double>(answers); }
};
/// A point for each distinct confidence, the surest first (El-Yaniv and Wiener 2010: the risk-coverage curve).
[[nodiscard]] std::vector<CoveragePoint> coverage_curve(std::span<const Judged> answers);
/// The point with most answers whose accuracy is at least `wanted`; null if there is none.
[[nodiscard]] const CoveragePoint* widest(std::span<const CoveragePoint> curve, double wanted);

}  // namespace fovea::learn
