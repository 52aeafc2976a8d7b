#include "cli/options/arguments.hpp"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea::cli {
namespace {

bool is_flag(const std::string& argument) {
  return argument.size() > 1 && argument.front() == '-';
}

bool takes_value(const CLI::Option* option) {
  return option->get_items_expected_max() > 0;
}

std::vector<std::string> long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

const CLI::Option* find_option(const CLI::App& app, const std::string& name) {
  const CLI::Option* option = app.get_option_no_throw(name);
  return option != nullptr && option->nonpositional() ? option : nullptr;
}

/// Whether the argument after this flag is its value.
/// @param given   receives the long names of the options that the flag names
/// @throws Error  kUsage for an unknown flag, if `strict`.
bool wants_next(const std::string& flag, const CLI::App& app, bool strict, std::set<std::string>& given) {
  const auto note = [&](const CLI::Option* option) {
    if (option != nullptr && !option->get_lnames().empty()) given.insert(option->get_lnames().front());
  };
  const auto unknown = [&](const std::string& name) {
    if (!strict) return;
    throw Error(ErrorCode::kUsage, fmt::format("unknown option {}", name),
                name.size() > 2 ? did_you_mean(name, long_names(app)) : "-h lists all options");
  };
  if (flag.compare(0, 2, "--") == 0) {
    const std::size_t equals = flag.find('=');
    const CLI::Option* option = find_option(app, flag.substr(0, equals));
    if (option == nullptr) unknown(flag.substr(0, equals));
    note(option);
    return option != nullptr && takes_value(option) && equals == std::string::npos;
  }
  for (std::size_t i = 1; i < flag.size(); ++i) {  // -vq, -k5, -k 5
    const CLI::Option* option = find_option(app, std::string{'-', flag[i]});
    if (option == nullptr) unknown(std::string{'-', flag[i]});
    note(option);
    if (option != nullptr && takes_value(option)) return i + 1 == flag.size();
  }
  return false;
}

}  // namespace

Arguments split_arguments(std::span<const std::string> arguments, const CLI::App& app) {
  Arguments split;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      split.operands.insert(split.operands.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                            arguments.end());
      break;
    }
    if (!is_flag(argument)) {
      split.operands.push_back(argument);
      continue;
    }
    split.options.push_back(argument);
    if (wants_next(argument, app, true, split.given) && i + 1 < arguments.size())
      split.options.push_back(arguments[++i]);
  }
  return split;
}

std::size_t find_verb(std::span<const std::string> arguments, const CLI::App& any_verb) {
  std::set<std::string> unused;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") break;
    if (!is_flag(arguments[i])) return i;
    if (wants_next(arguments[i], any_verb, false, unused)) ++i;
  }
  return arguments.size();
}

}  // namespace fovea::cli
