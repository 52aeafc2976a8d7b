// Collects all verbs and options in one CLI::App, from which help, man page and completions are made.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <vector>

#include "cli/command.hpp"

namespace fovea::cli {

struct CommandLine {
  CLI::App app;
  std::vector<std::unique_ptr<Command>> commands;  // in the order of verbs()
  std::vector<CLI::App*> apps;                     // in the order of verbs()
  bool version = false;
  bool verbose = false;
};

/// Creates every verb with its options, help and environment variables.
[[nodiscard]] std::unique_ptr<CommandLine> make_command_line();

}  // namespace fovea::cli
