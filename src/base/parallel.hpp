// Independent pieces of work on all threads, for levels that are compiled without OpenMP.
#pragma once

#include <cstddef>
#include <functional>

namespace fovea {

/// Calls body(i) for each i below `count`, neighbouring ones on one thread. For short pieces of equal cost.
/// @param body  must not throw
void for_each_piece(std::size_t count, const std::function<void(std::size_t)>& body);

/// Calls body(i) for each i below `count`, on as many threads as there are, which then go; what a call does runs on its
/// own thread alone. For long pieces of any cost. Once all calls have ended, the first exception of theirs is thrown.
/// @throws Error  kBackend where the system does not give the threads.
void for_each_parallel(std::size_t count, const std::function<void(std::size_t)>& body);

}  // namespace fovea
