// Numbers of the read-out and of reports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

/// In place, in double, safe for huge logits. An empty span stays empty.
void softmax(std::span<float> logits);

/// Indices of the k largest values, best first; ties go to the lower index. k is cut to the size.
[[nodiscard]] std::vector<std::size_t> top_k(std::span<const float> values, std::size_t k);

/// The q-quantile (0..1) by linear interpolation, as numpy's default. Not of an empty span.
[[nodiscard]] double quantile(std::span<const double> values, double q);

/// IEEE half and bfloat16 to float, exact.
void half_to_float(std::span<const std::uint16_t> in, std::span<float> out);
void bfloat16_to_float(std::span<const std::uint16_t> in, std::span<float> out);

}  // namespace fovea
