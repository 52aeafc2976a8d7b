// Whether the system gives as many threads as a run needs.
#pragma once

#include <cstddef>

namespace fovea {

/// Starts so many threads beside the calling one, all at once, and ends them again. OpenMP's runtime library ends the
/// process where it cannot start a thread, so this asks before the library does. The C library keeps the stacks of
/// threads that have ended, up to 40 MB of them, for the next ones.
/// @throws Error  kBackend if the system gives fewer.
void require_threads(std::size_t count);

}  // namespace fovea
