#include <string>
#include <vector>

#include "cli/app.hpp"

int main(int argc, char** argv) {
  return fovea::cli::run_app(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
