#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cli/app.hpp"

namespace {

/// OpenMP's threads spin while they wait for each other, and when another program has one of the cores, the rest of
/// them spin for as long as that takes: measured, 3 to 5 times slower beside a build. libgomp reads its environment
/// before main, so the program starts itself once more (7 ms) unless the user, or tools/fovea, has chosen.
void let_waiting_threads_sleep(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  if (::setenv("OMP_WAIT_POLICY", "PASSIVE", 0) == 0) ::execv("/proc/self/exe", argv);
  // Where that is not possible it runs as it is.
}

}  // namespace

int main(int argc, char** argv) {
  let_waiting_threads_sleep(argv);
  return fovea::cli::run_app(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
