#include "cli/app.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <new>
#include <system_error>

#include "base/files.hpp"
#include "base/open_file.hpp"
#include "base/process/interrupt.hpp"
#include "base/text.hpp"
#include "cli/options/arguments.hpp"
#include "cli/options/config.hpp"
#include "cli/options/effects.hpp"
#include "cli/terminal/help.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/tables.hpp"
#include "cli/terminal/terminal.hpp"
#include "fovea/error.hpp"
#include "fovea/machine.hpp"
#include "pipeline/folder/inputs.hpp"

namespace fovea::cli {
namespace {

constexpr int kUsageExit = 2;
constexpr int kFatalExit = 3;
constexpr std::size_t kMostThreadsPerCore = 4;  // more have nothing to do: a few beyond one bridge waits for a disk

/// @param rest  the other arguments
[[noreturn]] void fail_unknown_verb(const std::string& word, const std::vector<std::string>& rest,
                                    const CLI::App& root) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) {
    if (!verb.hidden) names.emplace_back(verb.name);
  }
  if (word == "help") {
    const bool of_a_verb = !rest.empty() && std::find(names.begin(), names.end(), rest.front()) != names.end();
    throw Error(ErrorCode::kUsage, "'help' is no verb",
                of_a_verb ? fmt::format("`fovea {} -h` explains this verb", rest.front())
                          : "`fovea -h` lists the verbs, `fovea VERB -h` explains one");
  }
  if (root.get_option_no_throw("--" + word) != nullptr) {
    throw Error(ErrorCode::kUsage, fmt::format("'{}' is no verb", word), fmt::format("did you mean --{}?", word));
  }
  std::error_code ignored;
  if (looks_like_image(word) || std::filesystem::exists(word, ignored) || !hint_for_missing(word).empty()) {
    throw Error(
        ErrorCode::kUsage, fmt::format("no verb is given before '{}'", printable(word)),
        fmt::format("`fovea classify {}` names what is in a picture; `fovea -h` lists the verbs", printable(word)));
  }
  throw Error(ErrorCode::kUsage, fmt::format("unknown verb '{}'", word), did_you_mean(word, names));
}

/// CLI11 takes its arguments last first.
void parse(CLI::App& app, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());
  app.parse(std::move(arguments));
}

/// What a command line comes to.
struct Parsed {
  Command* command = nullptr;  // null: `text` is all there is to say
  std::string text;
};

Parsed parse_without_verb(CommandLine& line, const std::vector<std::string>& arguments) {
  const Arguments split = split_arguments(arguments, line.app);
  parse(line.app, split.options);
  if (line.version) return {nullptr, version_text(line.verbose)};
  throw Error(ErrorCode::kUsage, "no verb is given", "`fovea -h` lists the verbs");
}

Parsed parse_verb(CommandLine& line, std::size_t index, const std::vector<std::string>& arguments, std::string& color) {
  CLI::App& app = *line.apps[index];
  Command& command = *line.commands[index];
  Arguments split = split_arguments(arguments, app);
  std::vector<std::string> words{app.get_name()};
  words.insert(words.end(), split.options.begin(), split.options.end());
  parse(line.app, std::move(words));
  if (!command.common.config.empty()) apply_config(command.common.config, app);
  color = command.common.color;
  if (command.common.version) return {nullptr, version_text(command.common.verbose)};
  if (verbs()[index].operands.empty() && !split.operands.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("'{}' is one argument too many", split.operands.front()),
                fmt::format("`fovea {} -h` shows what it takes", app.get_name()));
  }
  if (!split.given.contains("list-methods")) refuse_ignored_options(app, split.given, split.operands.size());
  command.operands = std::move(split.operands);
  command.common.threads =
      std::min(command.common.threads, kMostThreadsPerCore * static_cast<std::size_t>(available_cores()));
  return {&command, {}};
}

/// @param color  --color as given, as soon as it is known: errors are coloured, too
Parsed parse_arguments(CommandLine& line, std::vector<std::string> arguments, std::string& color) {
  const std::size_t at = find_verb(arguments, *line.apps.front());
  if (at == arguments.size()) return parse_without_verb(line, arguments);
  const std::string word = arguments[at];
  arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(at));
  for (std::size_t i = 0; i < verbs().size(); ++i) {
    if (verbs()[i].name == word) return parse_verb(line, i, arguments, color);
  }
  fail_unknown_verb(word, arguments, line.app);
}

/// -h ends parsing with an exception, too.
int exit_code_of(const CLI::ParseError& error, const CommandLine& line, const Messages& messages) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    print(line.app.help());
    return 0;
  }
  messages.error(error.what(), "-h shows what is expected");
  return kUsageExit;
}

}  // namespace

int run_app(const std::vector<std::string>& arguments) {
  watch_signals();
  std::string color = "auto";
  const auto messages = [&] { return Messages(use_color(color, STDERR_FILENO)); };
  try {
    const auto line = make_command_line();
    try {
      const Parsed parsed = parse_arguments(*line, arguments, color);
      if (parsed.command != nullptr) return parsed.command->run();
      print(parsed.text);
      return 0;
    } catch (const CLI::ParseError& error) {
      return exit_code_of(error, *line, messages());
    }
  } catch (const Error& error) {
    messages().error(error.what(), error.hint());
    return error.code() == ErrorCode::kUsage ? kUsageExit : kFatalExit;
  } catch (const Interrupted&) {
    messages().note("interrupted");
    return interrupt_exit_code();
  } catch (const std::bad_alloc&) {
    messages().error("memory: there is not enough of it for this model and these options",
                     "-t 1 --batch 1 needs the least memory; `ulimit -v` and a container's limit bound it");
    return kFatalExit;
  } catch (const std::system_error& error) {
    messages().error(fmt::format("the system refused: {}", error.code().message()),
                     "-t 1 needs the fewest threads; `ulimit -u` and a container's limit of pids bound them");
    return kFatalExit;
  } catch (const std::exception& error) {
    messages().error(fmt::format("internal: {}", error.what()), "please report this with the command that you ran");
    return kFatalExit;
  }
}

}  // namespace fovea::cli
