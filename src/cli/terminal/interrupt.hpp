// Turns signals into a request that every computation answers, and ends the program where none can.
#pragma once

namespace fovea::cli {

/// From this call on, the first SIGINT or SIGTERM asks all computations to stop. If the program is still there 0.8 s
/// later, it ends at once: something waits or computes in a foreign library. Where last writes have begun, it gets 10
/// s. The second signal kills the process. Closed pipes and file-size limits become errors of write() instead of
/// signals.
/// A foreign library that writes to address 0 for want of memory ends the program with exit code 3 and a sentence.
void watch_signals();
/// 130 or 143 after a signal, else 0.
[[nodiscard]] int interrupt_exit_code();
/// Ends the process without unwinding, because other threads still work on what would be unwound.
[[noreturn]] void leave_now(int exit_code);

/// From this call on, end_early() ends the process.
void allow_early_end();
/// Where everything is written and flushed: ends the process before the destructors run, which would only free what the
/// kernel takes back anyway. oneDNN's compiled code alone takes a hundred calls.
/// @return  exit_code, unless early ends are allowed
int end_early(int exit_code);

}  // namespace fovea::cli
