#include "guarded_call.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "fovea/error.hpp"
#include "fovea/interrupt.hpp"

namespace fovea::python {
namespace {

std::atomic<pid_t> first_process{0};  // that has used the library
std::atomic<void (*)(int)> python_handler{};

void on_interrupt(int signal) {
  request_interrupt();
  if (const auto next = python_handler.load()) next(signal);
}

}  // namespace

void require_no_fork() {
  const pid_t self = ::getpid();
  pid_t first = 0;
  if (first_process.compare_exchange_strong(first, self) || first == self) return;
  throw Error(ErrorCode::kUsage,
              "process " + std::to_string(self) + ": is a fork of process " + std::to_string(first) +
                  ", which has used fovea, expected a process of its own",
              "OpenMP's threads do not survive a fork: start workers by multiprocessing.get_context(\"spawn\"), or use "
              "fovea only in the workers");
}

StopsOnInterrupt::StopsOnInterrupt() {
  if (::getpid() != static_cast<pid_t>(::syscall(SYS_gettid))) return;
  if (::sigaction(SIGINT, nullptr, &before_) != 0 || (before_.sa_flags & SA_SIGINFO) != 0) return;
  if (before_.sa_handler == SIG_IGN || before_.sa_handler == SIG_DFL || before_.sa_handler == on_interrupt) return;
  python_handler = before_.sa_handler;
  struct sigaction ours = before_;
  ours.sa_handler = on_interrupt;
  installed_ = ::sigaction(SIGINT, &ours, nullptr) == 0;
}

StopsOnInterrupt::~StopsOnInterrupt() {
  if (!installed_) return;
  ::sigaction(SIGINT, &before_, nullptr);
  withdraw_interrupt();
}

}  // namespace fovea::python
