// The rotations of queries and keys, from the architecture and what the file has for them.
#pragma once

#include <vector>

#include "fovea/architecture.hpp"
#include "model/weights/tensor_source.hpp"
#include "nn/attention/rotary.hpp"

namespace fovea {

/// One table for all blocks and heads, or learned ones for each; none for a model without rotations.
[[nodiscard]] std::vector<nn::RotaryTable> rotary_tables(const Architecture& a, const TensorSource& source);

}  // namespace fovea
