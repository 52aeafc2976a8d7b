#include "image/preprocess/resample_taps.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

namespace fovea {
namespace {

struct Filter {
  double (*weight)(double);
  double support;  // in source samples at scale 1
};

double box(double x) {
  return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

double bilinear(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double hamming(double x) {
  x = std::abs(x);
  if (x == 0.0) return 1.0;
  if (x >= 1.0) return 0.0;
  x *= std::numbers::pi;
  // Pillow writes the two constants as float literals.
  return std::sin(x) / x * (static_cast<double>(0.54F) + static_cast<double>(0.46F) * std::cos(x));
}

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

/// The same curve in ATen's order of operations, which rounds differently in the last bit of a double.
double aten_bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) {
  return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
}

Filter filter_of(const Resampling& how) {
  switch (how.filter) {
    case Interpolation::kNearest:
    case Interpolation::kBox: return {box, 0.5};
    case Interpolation::kBilinear: return {bilinear, 1.0};
    case Interpolation::kHamming: return {hamming, 1.0};
    case Interpolation::kBicubic: return {how.resampler == Resampler::kAten ? aten_bicubic : bicubic, 2.0};
    case Interpolation::kLanczos: return {lanczos, 3.0};
  }
  return {bicubic, 2.0};
}

/// One axis from `in` to `out` samples, in double as in both libraries.
class Axis {
 public:
  Axis(int in, int out, const Resampling& how)
      : filter_(filter_of(how)),
        in_(in),
        scale_(static_cast<double>(in) / out),
        support_(filter_.support * std::max(scale_, 1.0)),
        step_(1.0 / std::max(scale_, 1.0)) {}

  [[nodiscard]] int most_taps() const { return std::min(static_cast<int>(std::ceil(support_)) * 2 + 1, in_); }

  /// Computes the weights of one output, which sum to 1; returns the index of the first one's sample.
  int weigh(int output, std::vector<double>& weights) const {
    constexpr double kHalf = 0.5;
    const double center = (output + kHalf) * scale_;
    const int first = std::max(static_cast<int>(center - support_ + kHalf), 0);  // truncated
    const int end = std::min(static_cast<int>(center + support_ + kHalf), in_);
    weights.resize(static_cast<std::size_t>(std::max(end - first, 0)));
    double sum = 0.0;
    for (int x = 0; x < end - first; ++x) {
      const double weight = filter_.weight((x + first - center + kHalf) * step_);
      weights[static_cast<std::size_t>(x)] = weight;
      sum += weight;
    }
    if (sum != 0.0) {
      for (double& weight : weights) weight /= sum;
    }
    return first;
  }

 private:
  Filter filter_;
  int in_;
  double scale_;
  double support_;  // in source samples
  double step_;
};

/// The number of bits, 22 at most, that keeps the largest weight of the whole axis within 16 bits.
int aten_precision(const Axis& axis, int out) {
  constexpr int kMostBits = 22;
  constexpr double kFourteenBits = 32767.5 / 32768.0;  // from here on it is 14: no filter reaches a weight of 2
  double largest = 0.0;
  std::vector<double> weights;
  for (int i = 0; i < out && largest < kFourteenBits; ++i) {
    axis.weigh(i, weights);
    for (const double weight : weights) largest = std::max(largest, weight);
  }
  int bits = 0;
  while (bits < kMostBits && 0.5 + largest * static_cast<double>(1 << (bits + 1)) < (1 << 15)) ++bits;
  return bits;
}

std::int32_t fixed_point(double weight, int precision_bits) {
  const double scaled = weight * (1 << precision_bits);
  return static_cast<std::int32_t>(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
}

void pack(std::span<const double> weights, const AxisTaps& taps, std::int16_t* packed) {
  constexpr std::int32_t kLowMask = (1 << AxisTaps::kLowBits) - 1;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::int32_t weight = fixed_point(weights[i], taps.precision_bits);
    std::int16_t* group = packed + i / AxisTaps::kGroup * AxisTaps::kGroupValues + i % AxisTaps::kGroup;
    group[0] = static_cast<std::int16_t>(taps.split ? weight & kLowMask : weight);
    if (taps.split) group[AxisTaps::kGroup] = static_cast<std::int16_t>(weight >> AxisTaps::kLowBits);
  }
}

}  // namespace

AxisTaps make_axis_taps(int in, int out, int begin, int count, const Resampling& how) {
  const Axis axis(in, out, how);
  AxisTaps taps;
  if (how.resampler == Resampler::kAten) {
    taps.split = false;
    taps.precision_bits = aten_precision(axis, out);
  }
  taps.count = count;
  taps.groups = (axis.most_taps() + AxisTaps::kGroup - 1) / AxisTaps::kGroup;
  taps.first.resize(static_cast<std::size_t>(count));
  taps.length.resize(static_cast<std::size_t>(count));
  const std::size_t row = static_cast<std::size_t>(taps.groups) * AxisTaps::kGroupValues;
  taps.packed.resize(static_cast<std::size_t>(count) * row);
  taps.source_begin = std::numeric_limits<int>::max();

  std::vector<double> weights;
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    taps.first[at] = axis.weigh(begin + i, weights);
    taps.length[at] = static_cast<int>(weights.size());
    pack(weights, taps, taps.packed.data() + at * row);
    taps.source_begin = std::min(taps.source_begin, taps.first[at]);
    taps.source_end = std::max(taps.source_end, taps.first[at] + taps.length[at]);
  }
  for (int& first : taps.first) first -= taps.source_begin;
  return taps;
}

std::vector<int> nearest_sources(int in, int out, int begin, int count) {
  std::vector<int> sources(static_cast<std::size_t>(count), -1);
  const double scale = static_cast<double>(in) / out;
  double x = scale * 0.5;
  for (int i = 0; i < begin + count; ++i, x += scale) {
    const int source = static_cast<int>(x);
    if (i >= begin && source < in) sources[static_cast<std::size_t>(i - begin)] = source;
  }
  return sources;
}

std::vector<int> nearest_exact_sources(int in, int out, int begin, int count) {
  std::vector<int> sources(static_cast<std::size_t>(count));
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  for (int i = 0; i < count; ++i) {
    const double middle = (begin + i + 0.5) * static_cast<double>(scale);
    sources[static_cast<std::size_t>(i)] = std::min(static_cast<int>(std::floor(static_cast<float>(middle))), in - 1);
  }
  return sources;
}

}  // namespace fovea
