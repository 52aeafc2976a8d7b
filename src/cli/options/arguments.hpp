// argv before CLI11 sees it.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace fovea::cli {

struct Arguments {
  std::vector<std::string> options;   // flags and their values, for CLI11
  std::vector<std::string> operands;  // everything else, in order, and everything after `--`
  std::set<std::string> given;        // long names of these options, without dashes
};

/// Keeps operands away from CLI11: version 2.1.2 takes a file called `batch` for a verb, splits one called
/// `[a,b]` in two, drops one called `++` and refuses `--` after an operand.
/// @throws Error  kUsage for an option that `app` does not have, with the nearest one as the hint.
[[nodiscard]] Arguments split_arguments(std::span<const std::string> arguments, const CLI::App& app);

/// The position of the verb: the first argument that is neither a flag nor the value of one of every verb's options;
/// arguments.size() if there is none.
[[nodiscard]] std::size_t find_verb(std::span<const std::string> arguments, const CLI::App& any_verb);

}  // namespace fovea::cli
