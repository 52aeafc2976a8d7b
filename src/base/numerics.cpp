#include "base/numerics.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <functional>
#include <numeric>

namespace fovea {

void softmax(std::span<float> logits) {
  if (logits.empty()) return;
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - static_cast<double>(largest));
  for (float& logit : logits) {
    logit = static_cast<float>(std::exp(static_cast<double>(logit) - static_cast<double>(largest)) / sum);
  }
}

std::vector<std::size_t> top_k(std::span<const float> values, std::size_t k) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  k = std::min(k, order.size());
  const auto better = [&](std::size_t a, std::size_t b) {
    return values[a] > values[b] || (values[a] == values[b] && a < b);
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(), better);
  order.resize(k);
  return order;
}

double quantile(std::span<const double> values, double q) {
  assert(!values.empty());
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

bool all_finite(std::span<const float> values) noexcept {
  // NaN and infinities have all bits of the exponent set: one more carries into the sign. It has no branch, so that it
  // vectorises.
  std::uint32_t sums = 0;
  for (const float value : values) sums |= (std::bit_cast<std::uint32_t>(value) & 0x7F800000U) + 0x00800000U;
  return (sums & 0x80000000U) == 0;
}

bool is_constant(std::span<const float> values) noexcept {
  return std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
}

void half_to_float(std::span<const std::uint16_t> in, std::span<float> out) {
  assert(in.size() == out.size());
  // Shift exponent and mantissa into place, then multiply by 2^112 to correct the exponent's bias. This is exact for
  // normal and subnormal values alike. Infinities and NaNs keep an all-ones exponent. It has no branch, so that it
  // vectorises.
  constexpr float kRebias = 0x1p112F;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::uint32_t half = in[i];
    const std::uint32_t sign = (half & 0x8000U) << 16;
    const std::uint32_t magnitude = (half & 0x7FFFU) << 13;
    const auto finite = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * kRebias);
    const std::uint32_t special = magnitude >= 0x0F800000U ? 0x7F800000U : 0U;
    out[i] = std::bit_cast<float>(sign | finite | special);
  }
}

void bfloat16_to_float(std::span<const std::uint16_t> in, std::span<float> out) {
  assert(in.size() == out.size());
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(in[i]) << 16);
}

}  // namespace fovea
