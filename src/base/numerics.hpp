// Numerics for logits, reports and stored weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

/// Softmax in place, summed in double and safe for huge logits. An empty span stays empty.
void softmax(std::span<float> logits);

/// Indices of the k largest values, best first; ties go to the lower index. If there are fewer values, all are
/// returned.
[[nodiscard]] std::vector<std::size_t> top_k(std::span<const float> values, std::size_t k);

/// The q-quantile (0..1) by linear interpolation, numpy's default. The span must not be empty.
[[nodiscard]] double quantile(std::span<const double> values, double q);

/// Whether no value is NaN or infinite.
[[nodiscard]] bool all_finite(std::span<const float> values) noexcept;
/// Whether all values are the same.
[[nodiscard]] bool is_constant(std::span<const float> values) noexcept;

/// Converts IEEE half and bfloat16 to float, exactly.
void half_to_float(std::span<const std::uint16_t> in, std::span<float> out);
void bfloat16_to_float(std::span<const std::uint16_t> in, std::span<float> out);

}  // namespace fovea
