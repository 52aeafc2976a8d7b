#include <string>
#include <vector>

#include "cli/app.hpp"
#include "cli/standard_streams.hpp"

int main(int argc, char** argv) {
  constexpr int kInternalError = 3;
  if (!fovea::cli::open_standard_streams()) return kInternalError;
  return fovea::cli::run_app(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
