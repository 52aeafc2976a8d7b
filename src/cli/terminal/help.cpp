#include "cli/terminal/help.hpp"

#include <fmt/core.h>

#include "fovea/machine.hpp"
#include "fovea/version.hpp"

namespace fovea::cli {

std::string value_text(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return {};
  std::string text = option.get_type_name();
  if (!option.get_default_str().empty()) text += "=" + option.get_default_str();
  return text;
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  const std::string value = value_text(*option);
  return value.empty() ? value : " " + value;
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  for (const Verb& verb : verbs()) {
    if (app->get_name() != verb.name) continue;
    return fmt::format("Usage: fovea {} [OPTION...]{}{}\n{}{}{}", verb.name, verb.operands.empty() ? "" : " ",
                       verb.operands, verb.operands.empty() ? "" : "\n  ",
                       verb.operands.empty() ? "" : fmt::format("{}: ", verb.operands), verb.operands_about) +
           "\n";
  }
  return fmt::format("Usage: {} VERB [OPTION...] [PATH...]\n", name.empty() ? "fovea" : name);
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
  for (std::size_t gap = 0; (gap = text.find("\n\n\n", gap)) != std::string::npos;) text.erase(gap, 1);
  return text;
}

std::vector<const CLI::Option*> visible_options(const CLI::App& app) {
  return app.get_options(
      [](const CLI::Option* option) { return option->nonpositional() && !option->get_group().empty(); });
}

std::string examples_text(const Verb& verb) {
  std::string text = "Examples:";
  for (const std::string_view example : verb.examples) {
    if (!example.empty()) text += fmt::format("\n  {}", example);
  }
  return text;
}

std::string version_text(bool verbose) {
  std::string text = fmt::format("fovea {}\n", FOVEA_VERSION);
  if (!verbose) return text;
  const MachineInfo machine = machine_info();
  text += fmt::format("commit    {}\ncompiler  {}, {}\nbackend   {}\n", FOVEA_COMMIT, FOVEA_COMPILER, FOVEA_BUILD_TYPE,
                      machine.backend);
  text += fmt::format("libraries CLI11 {}, fmt {}.{}.{}\n", CLI11_VERSION, FMT_VERSION / 10000, FMT_VERSION / 100 % 100,
                      FMT_VERSION % 100);
  text += fmt::format("isa       {}\ncpu       {}, {} cores\n", machine.isa, machine.cpu, machine.cores);
  return text;
}

}  // namespace fovea::cli
