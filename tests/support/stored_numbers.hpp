// Numbers of a golden file, in double.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace fovea::test {

/// A tensor of F64 or F32, each number as it is stored.
[[nodiscard]] std::vector<double> stored_numbers(const Checkpoint& golden, const std::string& name);

}  // namespace fovea::test
