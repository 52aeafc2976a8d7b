// What rounding makes of a layer's weights and inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

/// Rounds to bfloat16 and back, in place.
void round_to_bf16(std::span<float> values);

/// Rounds each row to integers of 8 bits and back, in place.
/// @param x  [rows, in]
void round_rows(std::span<float> x, std::size_t in);

/// A weight [out, in] as integers.
struct RoundedWeight {
  std::vector<std::int8_t> integers;
  std::vector<float> scales;
  [[nodiscard]] std::vector<float> values(std::size_t in) const {
    std::vector<float> result(integers.size());
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<float>(integers[i]) * scales[i / in];
    return result;
  }
};

/// SmoothQuant's s_j of each input channel; 1 where the channel is never used.
/// @param largest  [in] max |x_j| over the calibration pictures
/// @param weight   [out, in]
[[nodiscard]] std::vector<float> smoothing_of(const std::vector<float>& largest, const std::vector<float>& weight);

}  // namespace fovea
