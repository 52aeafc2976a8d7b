// All verbs and options as one CLI::App: what help, man page and completions are made from.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <vector>

#include "cli/command.hpp"

namespace fovea::cli {

struct CommandLine {
  CLI::App app;
  std::vector<std::unique_ptr<Command>> commands;  // as in verbs()
  std::vector<CLI::App*> apps;                     // as in verbs()
  bool version = false;
  bool verbose = false;
};

/// Every verb laid out with its options, help and environment variables.
[[nodiscard]] std::unique_ptr<CommandLine> make_command_line();

}  // namespace fovea::cli
