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

/// One axis; `step` and `line_step` are the distances of neighbours along it and across it.
Image pass(const Image& image, int out_length, bool vertical, Interpolation filter) {
  const Size in = image.size();
  const int in_length = vertical ? in.height : in.width;
  const Size to = vertical ? Size{out_length, in.width} : Size{in.height, out_length};
  Image out(to);
  const double scale = static_cast<double>(in_length) / out_length;
  const double stretch = std::max(scale, 1.0);
  const double reach = support_of(filter) * stretch;
  for (int o = 0; o < out_length; ++o) {
    const double center = (o + 0.5) * scale;
    const int begin = std::max(0, static_cast<int>(center - reach + 0.5));
    const int end = std::min(in_length, static_cast<int>(center + reach + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (int i = begin; i < end; ++i) {
      weights.push_back(weight_of(filter, (i - center + 0.5) / stretch));
      sum += weights.back();
    }
    std::vector<std::int64_t> fixed;
    for (const double w : weights) fixed.push_back(std::lround(w / sum * 4194304.0));
    for (int line = 0; line < (vertical ? to.width : to.height); ++line) {
      for (int c = 0; c < 3; ++c) {
        std::int64_t total = 1 << 21;
        for (int i = begin; i < end; ++i) {
          const std::uint8_t* pixel = vertical ? image.row(i) + line * 3 : image.row(line) + i * 3;
          total += fixed[static_cast<std::size_t>(i - begin)] * pixel[c];
        }
        std::uint8_t* pixel = vertical ? out.row(o) + line * 3 : out.row(line) + o * 3;
        pixel[c] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(total >> 22, 0, 255));
      }
    }
  }
  return out;
}

}  // namespace

Image naive_resample(const Image& image, Size to, Interpolation filter) {
  const Size from = image.size();
  const bool vertical_first = to.height < from.height && from.height - to.height > 2 * (from.width - to.width);
  Image between = image;
  for (const bool vertical : {vertical_first, !vertical_first}) {
    const int length = vertical ? to.height : to.width;
    if (length != (vertical ? between.size().height : between.size().width)) {
      between = pass(between, length, vertical, filter);
    }
  }
  return between;
}

}  // namespace fovea::test
