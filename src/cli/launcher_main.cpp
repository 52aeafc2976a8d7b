// bin/fovea: sets what the program's libraries read when they are loaded, and becomes the program, ../libexec/fovea.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/standard_streams.hpp"

namespace {

/// OpenMP's threads spin while they wait for each other: by default for milliseconds, so when another program has one
/// of the cores, the rest spin for as long as that takes (measured: 3 to 5 times slower beside a build). 3000 rounds,
/// 50 to 120 us, bridge what one layer's threads differ by. With 1000 a virtual machine was 20 % slower, because waking
/// its cores takes long; with 10,000 the same machine took twice as long beside a program that wanted its cores as
/// well. libgomp reads its environment before main; a program that started itself once more would load 31 libraries
/// twice (7 ms).
void bound_spinning() {
  if (::getenv("OMP_WAIT_POLICY") == nullptr) ::setenv("GOMP_SPINCOUNT", "3000", 0);
}

constexpr int kInternalError = 3;

int fail(const char* path, const char* what) {
  std::fprintf(stderr,
               "fovea: error: %s: %s\n  hint: the program lies in libexec/ beside bin/; install or build it anew\n",
               path, what);
  return kInternalError;
}

}  // namespace

int main(int /*argc*/, char** argv) {
  if (!fovea::cli::open_standard_streams()) return kInternalError;
  constexpr const char* kSelf = "/proc/self/exe";
  std::array<char, PATH_MAX> launcher{};
  if (::realpath(kSelf, launcher.data()) == nullptr) return fail(kSelf, std::strerror(errno));
  for (int level = 0; level < 2; ++level) {  // the file, bin
    if (char* const slash = std::strrchr(launcher.data(), '/')) *slash = '\0';
  }
  std::array<char, PATH_MAX + 16> program{};
  std::snprintf(program.data(), program.size(), "%s/libexec/fovea", launcher.data());
  bound_spinning();
  ::execv(program.data(), argv);
  return fail(program.data(), std::strerror(errno));
}
