#include "fuzz/fuzz.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

void fovea::fuzz::require(bool condition, const char* promise) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static_cast<void>(fovea::fuzz::accepts({reinterpret_cast<const std::byte*>(bytes), size}));
  return 0;
}
