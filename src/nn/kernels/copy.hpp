// Copies of activations.
#pragma once

#include <span>

namespace fovea::nn {

/// On all threads: one alone would fetch from the other what it has just written.
/// @param from, to  of one size
void copy(std::span<const float> from, std::span<float> to);

}  // namespace fovea::nn
