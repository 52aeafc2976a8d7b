#include "support/naive_layers.hpp"

#include <cmath>

namespace fovea::test {

std::vector<float> naive_layer_norm(const std::vector<float>& x, const std::vector<float>& weight,
                                    const std::vector<float>& bias, double eps) {
  const std::size_t width = weight.size();
  std::vector<float> y(x.size());
  for (std::size_t row = 0; row < x.size(); row += width) {
    double mean = 0;
    double variance = 0;
    for (std::size_t i = 0; i < width; ++i) mean += double(x[row + i]) / double(width);
    for (std::size_t i = 0; i < width; ++i) variance += std::pow(double(x[row + i]) - mean, 2) / double(width);
    for (std::size_t i = 0; i < width; ++i) {
      y[row + i] = float((double(x[row + i]) - mean) / std::sqrt(variance + eps) * double(weight[i]) + double(bias[i]));
    }
  }
  return y;
}

std::vector<float> naive_linear(const TinyTensor& weight, const std::vector<float>& bias, const std::vector<float>& x) {
  std::vector<float> y(weight.shape[0]);
  for (std::size_t o = 0; o < y.size(); ++o) {
    double sum = bias.empty() ? 0.0 : double(bias[o]);
    for (std::size_t i = 0; i < x.size(); ++i) sum += double(weight.values[o * x.size() + i]) * double(x[i]);
    y[o] = float(sum);
  }
  return y;
}

std::vector<float> naive_patch_mean(const std::vector<float>& x, std::size_t width, std::size_t prefix) {
  const std::size_t tokens = x.size() / width;
  std::vector<float> mean(width);
  for (std::size_t i = 0; i < width; ++i) {
    double sum = 0;
    for (std::size_t token = prefix; token < tokens; ++token) sum += double(x[token * width + i]);
    mean[i] = float(sum / double(tokens - prefix));
  }
  return mean;
}

}  // namespace fovea::test
