#include "image/resample_taps.hpp"

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
  // The two constants are float literals in Pillow.
  return std::sin(x) / x * (static_cast<double>(0.54F) + static_cast<double>(0.46F) * std::cos(x));
}

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
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

Filter filter_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::kNearest:
    case Interpolation::kBox: return {box, 0.5};
    case Interpolation::kBilinear: return {bilinear, 1.0};
    case Interpolation::kHamming: return {hamming, 1.0};
    case Interpolation::kBicubic: return {bicubic, 2.0};
    case Interpolation::kLanczos: return {lanczos, 3.0};
  }
  return {bicubic, 2.0};
}

std::int32_t fixed_point(double weight) {
  const double scaled = weight * (1 << AxisTaps::kPrecisionBits);
  return static_cast<std::int32_t>(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
}

void pack(std::span<const double> weights, std::int16_t* packed) {
  constexpr std::int32_t kLowMask = (1 << AxisTaps::kLowBits) - 1;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::int32_t weight = fixed_point(weights[i]);
    std::int16_t* group = packed + i / AxisTaps::kGroup * AxisTaps::kGroupValues + i % AxisTaps::kGroup;
    group[0] = static_cast<std::int16_t>(weight & kLowMask);
    group[AxisTaps::kGroup] = static_cast<std::int16_t>(weight >> AxisTaps::kLowBits);
  }
}

}  // namespace

AxisTaps make_axis_taps(int in, int out, int begin, int count, Interpolation interpolation) {
  const Filter filter = filter_of(interpolation);
  const double scale = static_cast<double>(in) / out;
  const double filter_scale = std::max(scale, 1.0);
  const double support = filter.support * filter_scale;
  const double step = 1.0 / filter_scale;
  constexpr double kHalf = 0.5;
  const int most_taps = static_cast<int>(std::ceil(support)) * 2 + 1;

  AxisTaps taps;
  taps.count = count;
  taps.groups = (std::min(most_taps, in) + AxisTaps::kGroup - 1) / AxisTaps::kGroup;
  taps.first.resize(static_cast<std::size_t>(count));
  taps.length.resize(static_cast<std::size_t>(count));
  taps.packed.resize(static_cast<std::size_t>(count) * static_cast<std::size_t>(taps.groups) * AxisTaps::kGroupValues);
  taps.source_begin = std::numeric_limits<int>::max();

  std::vector<double> weights;
  for (int i = 0; i < count; ++i) {
    const double center = (begin + i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + kHalf), 0);  // truncated, as in Pillow
    const int end = std::min(static_cast<int>(center + support + kHalf), in);
    weights.clear();
    double sum = 0.0;
    for (int x = 0; x < end - first; ++x) {
      weights.push_back(filter.weight((x + first - center + 0.5) * step));
      sum += weights.back();
    }
    if (sum != 0.0) {
      for (double& weight : weights) weight /= sum;
    }
    pack(weights, taps.packed.data() +
                      static_cast<std::size_t>(i) * static_cast<std::size_t>(taps.groups) * AxisTaps::kGroupValues);
    taps.first[static_cast<std::size_t>(i)] = first;
    taps.length[static_cast<std::size_t>(i)] = end - first;
    taps.source_begin = std::min(taps.source_begin, first);
    taps.source_end = std::max(taps.source_end, end);
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

}  // namespace fovea
