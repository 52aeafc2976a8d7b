#include "support/naive_resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace fovea::test {
namespace {

double support_of(Interpolation filter) {
  switch (filter) {
    case Interpolation::kBox: return 0.5;
    case Interpolation::kBicubic: return 2.0;
    case Interpolation::kLanczos: return 3.0;
    default: return 1.0;
  }
}

double weight_of(Interpolation filter, double x) {
  const double pi_x = M_PI * x;
  switch (filter) {
    case Interpolation::kBox: return x > -0.5 && x <= 0.5 ? 1 : 0;
    case Interpolation::kBilinear: return std::max(0.0, 1 - std::fabs(x));
    case Interpolation::kHamming:
      if (x == 0) return 1;
      return std::fabs(x) < 1 ? std::sin(pi_x) / pi_x * (0.54 + 0.46 * std::cos(pi_x)) : 0;
    case Interpolation::kLanczos:
      if (x == 0) return 1;
      return std::fabs(x) < 3 ? std::sin(pi_x) / pi_x * std::sin(pi_x / 3) / (pi_x / 3) : 0;
    default: {
      const double u = std::fabs(x);
      if (u < 1) return 1.5 * u * u * u - 2.5 * u * u + 1;
      return u < 2 ? -0.5 * u * u * u + 2.5 * u * u - 4 * u + 2 : 0;
    }
  }
}

struct Taps {
  int begin = 0;
  std::vector<double> weights;
};

/// The source samples and weights of each output sample.
std::vector<Taps> taps_of(int in_length, int out_length, Interpolation filter) {
  const double scale = static_cast<double>(in_length) / out_length;
  const double stretch = std::max(scale, 1.0);
  const double reach = support_of(filter) * stretch;
  std::vector<Taps> all;
  for (int o = 0; o < out_length; ++o) {
    const double center = (o + 0.5) * scale;
    Taps taps{std::max(0, static_cast<int>(center - reach + 0.5)), {}};
    const int end = std::min(in_length, static_cast<int>(center + reach + 0.5));
    double sum = 0;
    for (int i = taps.begin; i < end; ++i) {
      taps.weights.push_back(weight_of(filter, (i - center + 0.5) / stretch));
      sum += taps.weights.back();
    }
    for (double& weight : taps.weights) weight /= sum;
    all.push_back(taps);
  }
  return all;
}

/// Pillow uses 22 fractional bits; torch uses as many as let the axis's largest weight fit into 16 bits.
int bits_of(const std::vector<Taps>& all, Resampler resampler) {
  if (resampler == Resampler::kPillow) return 22;
  double largest = 0;
  for (const Taps& taps : all) largest = std::max(largest, *std::max_element(taps.weights.begin(), taps.weights.end()));
  for (int bits = 0; bits < 22; ++bits) {
    if (static_cast<int>(0.5 + largest * (1 << (bits + 1))) >= 1 << 15) return bits;
  }
  return 22;
}

Image pass(const Image& image, int out_length, bool vertical, const Resampling& how) {
  const Size in = image.size();
  const Size to = vertical ? Size{out_length, in.width} : Size{in.height, out_length};
  Image out(to);
  const std::vector<Taps> all = taps_of(vertical ? in.height : in.width, out_length, how.filter);
  const int bits = bits_of(all, how.resampler);
  for (int o = 0; o < out_length; ++o) {
    const Taps& taps = all[static_cast<std::size_t>(o)];
    std::vector<std::int64_t> fixed;
    for (const double w : taps.weights) fixed.push_back(std::lround(w * static_cast<double>(1 << bits)));
    for (int line = 0; line < (vertical ? to.width : to.height); ++line) {
      for (int c = 0; c < 3; ++c) {
        std::int64_t total = std::int64_t{1} << bits >> 1;
        for (std::size_t t = 0; t < fixed.size(); ++t) {
          const int i = taps.begin + static_cast<int>(t);
          const std::uint8_t* pixel = vertical ? image.row(i) + line * 3 : image.row(line) + i * 3;
          total += fixed[t] * pixel[c];
        }
        std::uint8_t* pixel = vertical ? out.row(o) + line * 3 : out.row(line) + o * 3;
        pixel[c] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(total >> bits, 0, 255));
      }
    }
  }
  return out;
}

bool vertical_first(Size from, Size to, const Resampling& how) {
  if (how.resampler == Resampler::kAten || to.height >= from.height) return false;
  if (how.pillow_version == 12) return from.height > 100 * from.width;
  return from.height - to.height > 2 * (from.width - to.width);
}

}  // namespace

Image naive_resample(const Image& image, Size to, const Resampling& how) {
  const bool first = vertical_first(image.size(), to, how);
  Image between = image;
  for (const bool vertical : {first, !first}) {
    const int length = vertical ? to.height : to.width;
    if (length != (vertical ? between.size().height : between.size().width)) {
      between = pass(between, length, vertical, how);
    }
  }
  return between;
}

}  // namespace fovea::test
