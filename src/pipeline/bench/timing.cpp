#include "pipeline/bench/timing.hpp"

#include <chrono>
#include <cstddef>
#include <ctime>

#include "base/numerics.hpp"
#include "base/process/interrupt.hpp"

namespace fovea {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLeastRuns = 5;

double wall_ms_of(const std::function<void()>& step) {
  const auto begin = Clock::now();
  step();
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

}  // namespace

Timing timing_of(std::vector<double> ms) {
  return {quantile(ms, 0.5), quantile(ms, 0.9), quantile(ms, 0.0), quantile(ms, 1.0)};
}

std::vector<std::vector<double>> time_in_turn(double seconds, const std::vector<std::function<void()>>& steps) {
  std::vector<std::vector<double>> times(steps.size());
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (times.front().size() < kLeastRuns || Clock::now() < end) {
    stop_if_interrupted();
    for (std::size_t i = 0; i < steps.size(); ++i) times[i].push_back(wall_ms_of(steps[i]));
  }
  return times;
}

double median_ms(double seconds, const std::function<void()>& step) {
  return quantile(time_in_turn(seconds, {step}).front(), 0.5);
}

double thread_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

double thread_ms_of(const std::function<void()>& step) {
  const double begin = thread_ms();
  step();
  return thread_ms() - begin;
}

double process_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace fovea
