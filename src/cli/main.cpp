#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cli/app.hpp"

namespace {

/// OpenMP's threads spin while they wait for each other: by default for milliseconds, so when another program has one
/// of the cores, the rest spin for as long as that takes (measured: 3 to 5 times slower beside a build). A thousand
/// rounds, some 20 us, bridge what one layer's threads differ by and cost nothing on an idle machine. libgomp reads its
/// environment before main, so the program starts itself once more (10 ms) unless the user, or tools/fovea, has chosen.
void bound_spinning(char** argv) {
  if (::getenv("OMP_WAIT_POLICY") != nullptr || ::getenv("GOMP_SPINCOUNT") != nullptr) return;
  if (::setenv("GOMP_SPINCOUNT", "1000", 0) == 0) ::execv("/proc/self/exe", argv);
  // Where that is not possible it runs as it is.
}

}  // namespace

int main(int argc, char** argv) {
  bound_spinning(argv);
  return fovea::cli::run_app(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
