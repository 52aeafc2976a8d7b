// float32 numbers as sums of bfloat16 ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fovea::nn {

/// Each part is the bfloat16 number nearest to what the parts before it left of x (ties to even), so that two parts
/// hold 16 bits of it and three all 24. NaN and infinity lie in the first part alone.
/// @param result  bit patterns; the parts lie `stride` numbers apart
void split_into_bf16(std::span<const float> x, std::size_t parts, std::uint16_t* result, std::size_t stride);

}  // namespace fovea::nn
