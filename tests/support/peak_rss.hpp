// How much memory a test has taken so far: what a bound on work is held by where the clock would be noise.
#pragma once

#include <sys/resource.h>

namespace fovea::test {

/// The most memory that this process ever had, in KB.
[[nodiscard]] inline long peak_rss_kb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace fovea::test
