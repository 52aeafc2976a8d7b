// A test's peak memory: a bound on work for tests in which the clock would be noise.
#pragma once

#include <sys/resource.h>

namespace fovea::test {

/// The most memory that this process has used so far, in KB.
[[nodiscard]] inline long peak_rss_kb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace fovea::test
