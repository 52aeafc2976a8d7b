// Independent pieces of work on all threads, for layers above that are compiled without OpenMP.
#pragma once

#include <cstddef>
#include <functional>

namespace fovea::nn {

/// Calls body(i) for each i below `count`, on as many threads as there are; what a call does runs on its own thread
/// alone. An exception, the first of several, leaves when all calls have ended.
void for_each_parallel(std::size_t count, const std::function<void(std::size_t)>& body);

}  // namespace fovea::nn
