// Whether the program has been asked to stop. Long computations ask between blocks, draws and rows.
#pragma once

namespace fovea {

/// Ends a computation that was asked to stop. Not a std::exception, so that no code takes it for a failure of a
/// picture.
struct Interrupted {};

/// Asks all computations of this process to stop. A signal handler may call this.
void request_interrupt() noexcept;
[[nodiscard]] bool interrupt_requested() noexcept;
/// @throws Interrupted
void stop_if_interrupted();

/// What is finished is being written from now on: a program that was asked to stop needs more time.
void begin_last_writes() noexcept;
[[nodiscard]] bool last_writes_begun() noexcept;

}  // namespace fovea
