// Asks computations to stop, as the program does on Ctrl-C.
#pragma once

namespace fovea {

/// What a computation that was asked to stop ends with. Not a std::exception, so that no code takes it for a failure of
/// a picture.
struct Interrupted {};

/// Asks all computations of this process to stop: each throws Interrupted at its next block, draw or row. So does every
/// later one, until withdraw_interrupt(). A signal handler may call this.
void request_interrupt() noexcept;
/// Computations may run again.
void withdraw_interrupt() noexcept;

}  // namespace fovea
