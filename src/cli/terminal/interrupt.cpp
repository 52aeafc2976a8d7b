#include "cli/terminal/interrupt.hpp"

#include <csignal>

namespace fovea::cli {
namespace {

std::atomic<bool> stop_requested{false};
std::atomic<int> signal_number{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "a signal handler may use only lock-free atomics");

extern "C" void request_stop(int number) {
  signal_number.store(number);
  stop_requested.store(true);
}

}  // namespace

const std::atomic<bool>& watch_signals() {
  struct sigaction action {};
  action.sa_handler = request_stop;
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
  sigaction(SIGXFSZ, &ignore, nullptr);
  return stop_requested;
}

int interrupt_exit_code() {
  const int number = signal_number.load();
  return number == 0 ? 0 : 128 + number;
}

}  // namespace fovea::cli
