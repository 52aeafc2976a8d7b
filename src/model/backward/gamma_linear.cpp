#include "model/backward/gamma_linear.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace fovea {

GammaLinear::GammaLinear(Precision forward, Precision backward, std::size_t rows, std::size_t in, std::size_t out,
                         nn::Workspace& workspace)
    : forward_(nn::make_linear(forward, {rows, in, out}, workspace)),
      absolute_(nn::make_linear(backward, {rows, in, out}, workspace)),
      backward_(nn::make_linear(backward, {rows, out, in}, workspace)),
      absolute_backward_(nn::make_linear(backward, {rows, out, in}, workspace)),
      in_rows_(rows * in),
      y_(rows * out),
      total_(rows * out) {}

void GammaLinear::operator()(const Weights& weights, std::span<const float> x, std::span<const float> d_y,
                             std::span<float> d_x, BackwardMode& mode) {
  assert(x.size() == in_rows_.size() && d_y.size() == y_.size() && d_x.size() == x.size());
  const float half = mode.gamma / 2.0F;
  std::transform(x.begin(), x.end(), in_rows_.data(), [](float value) { return std::abs(value); });
  (*forward_)(weights.forward, x, y_.span());                               // [rows, in] → [rows, out]
  (*absolute_)(*weights.absolute.forward, in_rows_.span(), total_.span());  // [rows, in] → [rows, out]

  const std::span<const float> bias = weights.backward.bias();  // [out]
  double biases = 0;
  for (std::size_t i = 0; i < d_y.size(); ++i) {
    const float y = y_.data()[i];
    const float size = std::abs(y);
    const float share = size > 0.0F ? size / (size + half * (size + total_.data()[i])) : 0.0F;  // ρ
    const float s = share * d_y[i];
    const float signed_s = y > 0.0F ? s : -s;
    y_.data()[i] = s;
    total_.data()[i] = signed_s;
    if (bias.empty()) continue;
    const float b = bias[i % bias.size()];
    biases += double{s} * double{b} * (1.0 + double{half}) + double{half} * double{signed_s} * double{std::abs(b)};
  }
  mode.biases += biases;

  (*backward_)(weights.backward, y_.span(), d_x);                                     // [rows, out] → [rows, in]
  (*absolute_backward_)(*weights.absolute.backward, total_.span(), in_rows_.span());  // [rows, out] → [rows, in]
  for (std::size_t i = 0; i < d_x.size(); ++i) {
    const float v = in_rows_.data()[i];
    d_x[i] = (1.0F + half) * d_x[i] + half * (x[i] > 0.0F ? v : -v);
  }
}

}  // namespace fovea
