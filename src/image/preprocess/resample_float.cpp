#include "image/preprocess/resample_float.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>

namespace fovea {
namespace {

float float_bilinear(float x) {
  x = std::fabs(x);
  return x < 1.0F ? 1.0F - x : 0.0F;
}

float float_bicubic(float x) {
  constexpr float a = -0.5F;
  x = std::fabs(x);
  if (x < 1.0F) return ((a + 2.0F) * x - (a + 3.0F)) * x * x + 1.0F;
  if (x < 2.0F) return ((a * x - 5.0F * a) * x + 8.0F * a) * x - 4.0F * a;
  return 0.0F;
}

/// The source samples of one output and their weights.
struct Taps {
  int first = 0;
  std::vector<float> weights;  // they sum to 1
};

/// _compute_indices_min_size_weights_aa() in float, operation by operation.
Taps taps_of(int output, int in, int out, Interpolation filter) {
  constexpr double kHalf = 0.5;
  const bool cubic = filter == Interpolation::kBicubic;
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  const float reach = cubic ? 2.0F : 1.0F;
  const float support = scale >= 1.0F ? reach * scale : reach;
  const float step = scale >= 1.0F ? 1.0F / scale : 1.0F;
  const auto center = static_cast<float>(static_cast<double>(scale) * (output + kHalf));
  Taps taps;
  taps.first = std::max(static_cast<int>(static_cast<double>(center - support) + kHalf), 0);
  const int end = std::min(static_cast<int>(static_cast<double>(center + support) + kHalf), in);
  float sum = 0.0F;
  for (int x = taps.first; x < end; ++x) {
    const auto at =
        static_cast<float>((static_cast<double>(static_cast<float>(x) - center) + kHalf) * static_cast<double>(step));
    taps.weights.push_back(cubic ? float_bicubic(at) : float_bilinear(at));
    sum += taps.weights.back();
  }
  for (float& weight : taps.weights) weight /= sum;
  return taps;
}

/// Σ weight · sample of samples `stride` apart.
float weighed(const Taps& taps, const float* samples, std::size_t stride) {
  const float* sample = samples + static_cast<std::size_t>(taps.first) * stride;
  float sum = *sample * taps.weights.front();
  for (std::size_t t = 1; t < taps.weights.size(); ++t) sum += sample[t * stride] * taps.weights[t];
  return sum;
}

}  // namespace

std::vector<float> resample_float(const Image& image, float factor, Size to, Interpolation filter, Region region) {
  assert(filter == Interpolation::kBilinear || filter == Interpolation::kBicubic);
  const Size from = image.size();
  const auto height = static_cast<std::size_t>(region.size.height);
  const auto width = static_cast<std::size_t>(region.size.width);
  const auto rows = static_cast<std::size_t>(from.height);
  std::vector<Taps> columns;
  for (std::size_t x = 0; x < width; ++x) {
    columns.push_back(taps_of(region.left + static_cast<int>(x), from.width, to.width, filter));
  }
  std::vector<float> result(3 * height * width);
  std::vector<float> line(static_cast<std::size_t>(from.width));
  std::vector<float> between(rows * width);  // one colour: [from.height, region width]
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t y = 0; y < rows; ++y) {
      const std::uint8_t* pixels = image.row(static_cast<int>(y)) + c;
      for (std::size_t x = 0; x < line.size(); ++x) line[x] = static_cast<float>(pixels[3 * x]) * factor;
      for (std::size_t x = 0; x < width; ++x) between[y * width + x] = weighed(columns[x], line.data(), 1);
    }
    for (std::size_t y = 0; y < height; ++y) {
      const Taps taps = taps_of(region.top + static_cast<int>(y), from.height, to.height, filter);
      float* out = result.data() + (c * height + y) * width;
      for (std::size_t x = 0; x < width; ++x) out[x] = weighed(taps, between.data() + x, width);
    }
  }
  return result;
}

}  // namespace fovea
