// Clocks, and what many runs came to.
#pragma once

#include <functional>
#include <vector>

namespace fovea {

/// The times of many runs, in ms.
struct Timing {
  double median = 0;
  double p90 = 0;
  double min = 0;
  double max = 0;
};
[[nodiscard]] Timing timing_of(std::vector<double> ms);

/// Runs `steps` in turn until the time is up, at least five times each.
/// @return  the ms of each run, by step
[[nodiscard]] std::vector<std::vector<double>> time_in_turn(double seconds,
                                                            const std::vector<std::function<void()>>& steps);
/// Median of the runs of one step, in ms.
[[nodiscard]] double median_ms(double seconds, const std::function<void()>& step);

/// Processor time of the calling thread, in ms; waiting does not count.
[[nodiscard]] double thread_ms();
/// Processor time that the calling thread takes for `step`, in ms.
[[nodiscard]] double thread_ms_of(const std::function<void()>& step);
/// Processor time of all threads of this process, in s.
[[nodiscard]] double process_seconds();

}  // namespace fovea
