#include "cli/terminal/interrupt.hpp"

#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "base/process/foreign_call.hpp"
#include "base/process/interrupt.hpp"

namespace fovea::cli {
namespace {

std::atomic<int> signal_number{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may use only lock-free atomics");

bool ends_early = false;  // set by main, before any other thread

constexpr int kFatalExit = 3;
constexpr int kToStop = 800;      // ms
constexpr int kToWrite = 10'000;  // ms

/// Calls `handler` so many milliseconds from now. All calls go straight to the kernel, as a signal handler's have to.
void call_in(int ms, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigaction(SIGALRM, &action, nullptr);
  const itimerval timer{{0, 0}, {ms / 1000, ms % 1000 * 1000L}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

/// Past _exit(), where a sanitizer looks at what the thread was doing: the alarm comes wherever a thread may be.
extern "C" void end_now(int /*alarm*/) {
  ::syscall(SYS_exit_group, interrupt_exit_code());
}

extern "C" void end_unless_writing(int alarm) {
  if (!last_writes_begun()) end_now(alarm);
  call_in(kToWrite, end_now);
}

extern "C" void request_stop(int number) {
  const int error = errno;
  signal_number.store(number);
  request_interrupt();
  call_in(kToStop, end_unless_writing);
  errno = error;
}

struct sigaction segmentation_before {};

/// All else is what it was: the instruction runs again and meets the handler that was there before.
extern "C" void explain_fault(int number, siginfo_t* info, void* /*context*/) {
  constexpr std::uintptr_t kNearZero = 1U << 20U;
  const char* const call = ForeignCall::current();
  if (call == nullptr || reinterpret_cast<std::uintptr_t>(info->si_addr) >= kNearZero) {
    ::sigaction(number, &segmentation_before, nullptr);
    return;
  }
  for (const char* const part :
       {"fovea: error: memory: oneDNN found none for ", call, "\nhint: -t 1 --batch 1 needs the least memory\n"}) {
    static_cast<void>(!::write(STDERR_FILENO, part, std::strlen(part)));
  }
  ::_exit(kFatalExit);
}

}  // namespace

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = request_stop;
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
  sigaction(SIGXFSZ, &ignore, nullptr);
  struct sigaction fault {};
  fault.sa_sigaction = explain_fault;
  fault.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &fault, &segmentation_before);
}

int interrupt_exit_code() {
  const int number = signal_number.load();
  return number == 0 ? 0 : 128 + number;
}

void leave_now(int exit_code) {
  ::_exit(exit_code);
}

void allow_early_end() {
  ends_early = true;
}

int end_early(int exit_code) {
  if (ends_early) leave_now(exit_code);
  return exit_code;
}

}  // namespace fovea::cli
