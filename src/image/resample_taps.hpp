// Which source samples make an output sample, and with what weights: the first half of Pillow's resampler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fovea/image.hpp"

namespace fovea {

/// The taps of outputs [begin, begin + count) along one axis. Weights are Pillow's 22-bit fixed point, split into
/// 16-bit halves (weight = high · 2^11 + low) so that the kernels can multiply pairs of taps in one instruction.
struct AxisTaps {
  static constexpr int kPrecisionBits = 22;
  static constexpr int kLowBits = 11;
  static constexpr int kGroup = 4;                // taps
  static constexpr std::size_t kGroupValues = 8;  // their halves

  int count = 0;
  int groups = 0;        // groups of four taps for each output, the last filled up with weights of zero
  int source_begin = 0;  // the source samples that any of these outputs needs: [source_begin, source_end)
  int source_end = 0;
  std::vector<int> first;            // [count]: the first source sample, minus source_begin
  std::vector<int> length;           // [count]: how many samples
  std::vector<std::int16_t> packed;  // [count, groups, 8]: four low halves, then the four high halves

  [[nodiscard]] const std::int16_t* group(int output, int index) const noexcept {
    return packed.data() +
           (static_cast<std::size_t>(output) * static_cast<std::size_t>(groups) + static_cast<std::size_t>(index)) *
               kGroupValues;
  }
};

/// Pillow's precompute_coeffs() and normalize_coeffs_8bpc(), for a part of the outputs only.
/// @param in, out  samples of the whole axis; not for kNearest.
[[nodiscard]] AxisTaps make_axis_taps(int in, int out, int begin, int count, Interpolation interpolation);

/// Which source sample each of outputs [begin, begin + count) copies; -1 where none. Pillow adds up the coordinate in
/// double, step by step, which decides ties: so must we, from the first output on.
[[nodiscard]] std::vector<int> nearest_sources(int in, int out, int begin, int count);

}  // namespace fovea
