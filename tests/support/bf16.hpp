// Rounds to bfloat16, one number at a time.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace fovea::test {

[[nodiscard]] inline float from_bf16(std::uint16_t half) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16U);
}

/// The nearer of the two neighbouring bfloat16 numbers, by distance in double; ties go to the even one.
[[nodiscard]] inline float naive_bf16(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  const auto low = static_cast<std::uint16_t>(bits >> 16U);
  const auto high = static_cast<std::uint16_t>(low + 1U);
  const double to_low = std::fabs(double(x) - double(from_bf16(low)));
  const double to_high = std::fabs(double(from_bf16(high)) - double(x));
  if (to_low == to_high) return from_bf16((low & 1U) == 0 ? low : high);
  return from_bf16(to_low < to_high ? low : high);
}

[[nodiscard]] inline std::vector<float> naive_bf16(std::vector<float> values) {
  for (float& value : values) value = naive_bf16(value);
  return values;
}

}  // namespace fovea::test
