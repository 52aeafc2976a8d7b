// What is promised of every checkpoint that is accepted.
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace fovea::fuzz {

/// Reads all tensors in every way there is; aborts where a promise is broken.
/// @throws Error  if a deflated member is damaged, which shows only now.
void read_all(const Checkpoint& checkpoint);

}  // namespace fovea::fuzz
