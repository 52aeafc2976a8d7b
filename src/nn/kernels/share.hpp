// Work shared among the threads. Only files of src/nn/ that end in .cpp include this: others are compiled without
// OpenMP.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstddef>

namespace fovea::nn {

/// Rows that are handed from one operation to the next while they are in the core's own cache.
inline constexpr std::size_t kFewRows = 4;

/// Calls body(first, count) for pieces of `grain` that make up `size`, on all threads, neighbouring pieces on one; or
/// once for all of it where there is one piece only, or the caller is one of several threads.
template <typename Body>
void share(std::size_t size, std::size_t grain, const Body& body) {
  if (size <= grain || omp_get_level() > 0) {
    if (size > 0) body(std::size_t{0}, size);
    return;
  }
#pragma omp parallel for schedule(static)
  for (std::size_t first = 0; first < size; first += grain) body(first, std::min(grain, size - first));
}

/// Calls body(first, count) once on each thread, for parts of `size` as even as can be; or once for all of it where the
/// caller is one of several threads.
template <typename Body>
void share_evenly(std::size_t size, const Body& body) {
  if (size <= 1 || omp_get_level() > 0) {
    if (size > 0) body(std::size_t{0}, size);
    return;
  }
#pragma omp parallel
  {
    const auto begin_of = [&](int thread) {
      return size * static_cast<std::size_t>(thread) / static_cast<std::size_t>(omp_get_num_threads());
    };
    const std::size_t first = begin_of(omp_get_thread_num());
    const std::size_t count = begin_of(omp_get_thread_num() + 1) - first;
    if (count > 0) body(first, count);
  }
}

}  // namespace fovea::nn
