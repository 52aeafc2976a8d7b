// Computes which source samples contribute to an output sample, and with what weights, for both resamplers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fovea/image.hpp"
#include "image/preprocess/resample.hpp"

namespace fovea {

/// The taps of outputs [begin, begin + count) along one axis; out = (2^(p-1) + Σ weight · sample) >> p, clamped to a
/// byte, for p = precision_bits. Pillow's weights have 22 bits and are split into 16-bit halves (weight = high · 2^11 +
/// low), so that the kernels can multiply pairs of taps in one instruction. torch's weights have 16 bits and fit into
/// the low half.
struct AxisTaps {
  static constexpr int kLowBits = 11;
  static constexpr int kGroup = 4;                // taps
  static constexpr std::size_t kGroupValues = 8;  // their two halves

  int precision_bits = 22;
  bool split = true;  // whether the high halves are used
  int count = 0;
  int groups = 0;        // groups of four taps for each output; zero weights fill up the last
  int source_begin = 0;  // the source samples that these outputs need: [source_begin, source_end)
  int source_end = 0;
  std::vector<int> first;            // [count]: the first source sample, minus source_begin
  std::vector<int> length;           // [count]: the number of samples
  std::vector<std::int16_t> packed;  // [count, groups, 8]: four low halves, then the four high halves

  [[nodiscard]] const std::int16_t* group(int output, int index) const noexcept {
    return packed.data() +
           (static_cast<std::size_t>(output) * static_cast<std::size_t>(groups) + static_cast<std::size_t>(index)) *
               kGroupValues;
  }
};

/// Pillow's precompute_coeffs() and normalize_coeffs_8bpc(), or ATen's _compute_index_ranges_int16_weights(),
/// restricted to some of the outputs.
/// @param in, out  sizes of the whole axis, in samples. Not for kNearest.
[[nodiscard]] AxisTaps make_axis_taps(int in, int out, int begin, int count, const Resampling& how);

/// The source sample that each of outputs [begin, begin + count) copies, or -1 for none. Pillow accumulates the
/// coordinate in double, step by step, and that decides ties; so this function does the same, starting at the first
/// output.
[[nodiscard]] std::vector<int> nearest_sources(int in, int out, int begin, int count);
/// The same for torch's "nearest-exact", which takes the middle of the output sample with its scale in float.
[[nodiscard]] std::vector<int> nearest_exact_sources(int in, int out, int begin, int count);

}  // namespace fovea
