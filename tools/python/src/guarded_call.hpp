// A call into the library from Python: without the GIL, ended by Ctrl-C, refused in a forked process.
#pragma once

#include <signal.h>

namespace fovea::python {

/// OpenMP's threads are not copied by fork(), and a parallel region in the copy waits for them for ever.
/// @throws Error  kUsage if this process is a copy of one that has used the library.
void require_no_fork();

/// While it lives, Ctrl-C asks the library to stop, and then does what Python wants. Only Python's main thread gets
/// signals, so in any other it does nothing.
class StopsOnInterrupt {
 public:
  StopsOnInterrupt();
  ~StopsOnInterrupt();
  StopsOnInterrupt(const StopsOnInterrupt&) = delete;
  StopsOnInterrupt& operator=(const StopsOnInterrupt&) = delete;

 private:
  bool installed_ = false;
  struct sigaction before_ {};
};

}  // namespace fovea::python
