// Turns signals into a flag that the pipeline polls.
#pragma once

#include <atomic>

namespace fovea::cli {

/// From this call on, the first SIGINT or SIGTERM sets the flag and the second one kills the process. Closed pipes and
/// file-size limits become errors of write() instead of signals.
const std::atomic<bool>& watch_signals();
/// 130 or 143 after a signal, else 0.
[[nodiscard]] int interrupt_exit_code();

}  // namespace fovea::cli
