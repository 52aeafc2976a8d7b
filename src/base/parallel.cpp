#include "base/parallel.hpp"

#include <omp.h>

#include <algorithm>
#include <cassert>
#include <exception>
#include <mutex>

#include "base/process/threads.hpp"

namespace fovea {

void for_each_piece(std::size_t count, const std::function<void(std::size_t)>& body) {
#pragma omp parallel for schedule(static) if (count > 1)
  for (std::size_t i = 0; i < count; ++i) body(i);
}

void for_each_parallel(std::size_t count, const std::function<void(std::size_t)>& body) {
  require_threads(static_cast<std::size_t>(omp_get_max_threads()) - 1);
  std::mutex mutex;
  std::exception_ptr first;
#pragma omp parallel for schedule(dynamic)
  for (std::size_t i = 0; i < count; ++i) {
    try {
      body(i);
    } catch (...) {  // none may leave the parallel region
      const std::scoped_lock lock(mutex);
      if (!first) first = std::current_exception();
    }
  }
  // The threads end here. libgomp counts the threads of all callers: once there are more threads than cores, each wait
  // soon sleeps instead of spinning, and the first forward pass of a small model, on another thread, takes 3 ms longer.
  omp_pause_resource_all(omp_pause_soft);
  if (first) std::rethrow_exception(first);
}

}  // namespace fovea
