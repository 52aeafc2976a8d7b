// The command line from argv to an exit code.
#pragma once

#include <string>
#include <vector>

namespace fovea::cli {

/// Parses, runs a verb, and turns every failure into a message and one of the contract's exit codes.
[[nodiscard]] int run_app(const std::vector<std::string>& arguments);

}  // namespace fovea::cli
