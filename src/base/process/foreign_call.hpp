// What a thread is inside of while it runs code that does not check all its allocations.
#pragma once

#include <cstddef>

namespace fovea {

/// While one lives, this thread is inside a foreign library. oneDNN 2 writes to address 0 where it finds no memory for
/// the code that it compiles: a program that handles SIGSEGV can then say what happened.
class ForeignCall {
 public:
  /// @param what  "oneDNN: making a linear layer"; outlives the object
  explicit ForeignCall(const char* what) noexcept;
  ~ForeignCall();
  ForeignCall(const ForeignCall&) = delete;
  ForeignCall& operator=(const ForeignCall&) = delete;

  /// This thread's call; null outside of one. A signal handler may ask.
  [[nodiscard]] static const char* current() noexcept;

 private:
  const char* before_;
};

/// @throws std::bad_alloc  where the system does not give so many bytes of memory right now.
void require_memory(std::size_t bytes);

}  // namespace fovea
