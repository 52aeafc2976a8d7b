// Whether the program has been asked to stop. Long computations ask between blocks, draws and rows.
#pragma once

#include "fovea/interrupt.hpp"

namespace fovea {

[[nodiscard]] bool interrupt_requested() noexcept;
/// @throws Interrupted
void stop_if_interrupted();

/// What is finished is being written from now on: a program that was asked to stop needs more time.
void begin_last_writes() noexcept;
[[nodiscard]] bool last_writes_begun() noexcept;

}  // namespace fovea
