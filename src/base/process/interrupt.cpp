#include "base/process/interrupt.hpp"

#include <atomic>

namespace fovea {
namespace {

std::atomic<bool> requested{false};
std::atomic<bool> writing{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may use only lock-free atomics");

}  // namespace

void request_interrupt() noexcept {
  requested.store(true);
}

void withdraw_interrupt() noexcept {
  requested.store(false);
}

bool interrupt_requested() noexcept {
  return requested.load(std::memory_order_relaxed);
}

void stop_if_interrupted() {
  if (interrupt_requested()) throw Interrupted{};
}

void begin_last_writes() noexcept {
  writing.store(true);
}

bool last_writes_begun() noexcept {
  return writing.load();
}

}  // namespace fovea
