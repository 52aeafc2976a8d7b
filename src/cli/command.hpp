// A verb of the command line: it lays its options on a CLI::App and runs when they are parsed.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fovea::cli {

/// What every verb takes.
struct CommonOptions {
  std::string model = "vit_tiny_tin200";  // a path, or a name that is searched for
  std::size_t threads = 1;
  std::size_t batch = 1;
  bool quiet = false;
  bool verbose = false;
  bool version = false;
  std::string color = "auto";
  std::string config;
};

class Command {
 public:
  virtual ~Command() = default;
  /// @return        the exit code.
  /// @throws Error  kUsage is exit code 2, all others 3.
  virtual int run() = 0;

  CommonOptions common;
  std::vector<std::string> operands;  // what is no option: never passed through CLI11, see arguments.hpp
};

/// One row of the table of verbs.
struct Verb {
  std::string_view name;
  std::string_view about;
  std::string_view operands;  // "PATH..." as in the usage line; may be empty
  std::string_view operands_about;
  std::array<std::string_view, 3> examples;  // "command  # what it does"
  bool hidden;
  std::unique_ptr<Command> (*make)(CLI::App&);
};

/// In the order of the help text.
[[nodiscard]] std::span<const Verb> verbs();

#define FOVEA_VERB(verb) extern const Verb verb##_verb;
#include "cli/verbs.def"
#undef FOVEA_VERB

}  // namespace fovea::cli
