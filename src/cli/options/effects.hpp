// Which options change something in which calls.
#pragma once

#include <cstddef>
#include <set>
#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace fovea::cli {

/// The rule: an option of the command line that this verb, with the other options, would ignore is a mistake. Options
/// of the environment and of configuration files serve many calls, so they may be ignored; -q, -v and --color may, too.
/// @param given     long names of the options that the command line gave, without dashes
/// @param operands  how many there are
/// @throws Error    kUsage, naming the option and what it needs.
void refuse_ignored_options(const CLI::App& app, const std::set<std::string>& given, std::size_t operands);

}  // namespace fovea::cli
