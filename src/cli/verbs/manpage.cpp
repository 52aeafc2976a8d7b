// fovea manpage: prints fovea.1 in roff, made from the same tables as -h.
#include <fmt/core.h>

#include "cli/command.hpp"
#include "cli/terminal/help.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/tables.hpp"
#include "fovea/version.hpp"

namespace fovea::cli {
namespace {

/// Escapes roff's special characters.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += "\\&";
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string option_entry(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += fmt::format("\\fB\\-{}\\fR, ", roff(name));
  for (const std::string& name : option.get_lnames()) names += fmt::format("\\fB\\-\\-{}\\fR, ", roff(name));
  names.resize(names.size() - 2);
  const std::string value = option.get_items_expected_max() == 0 ? "" : " " + roff(option.get_type_name());
  std::string about = roff(option.get_description());
  if (!option.get_default_str().empty() && !value.empty())
    about += fmt::format(" (default {})", roff(option.get_default_str()));
  if (!option.get_envname().empty()) about += fmt::format("; \\fB{}\\fR", option.get_envname());
  return fmt::format(".TP\n{}{}\n{}\n", names, value, about);
}

std::string verb_section(const Verb& verb, const CLI::App& app) {
  std::string text =
      fmt::format(".SS fovea {} [OPTION...] {}\n{}.\n", roff(verb.name), roff(verb.operands), roff(verb.about));
  if (!verb.operands.empty()) text += fmt::format(".TP\n{}\n{}\n", roff(verb.operands), roff(verb.operands_about));
  for (const CLI::Option* option : visible_options(app)) {
    if (option->get_group() != "General") text += option_entry(*option);
  }
  text += ".PP\nExamples:\n.nf\n";
  for (const std::string_view example : verb.examples) text += fmt::format("  {}\n", roff(example));
  return text + ".fi\n";
}

constexpr std::string_view kEnvironment =
    ".SH ENVIRONMENT\nA flag overrides the variable, and the variable overrides \\fB\\-\\-config\\fR.\n"
    ".TP\n\\fBFOVEA_MODEL_PATH\\fR\nfolders, separated by colons, in which models are found by name\n"
    ".TP\n\\fBNO_COLOR\\fR, \\fBTERM=dumb\\fR\nno colour, except with \\-\\-color always\n";

constexpr std::string_view kExit =
    ".SH EXIT STATUS\n.TP\n0\nall inputs succeeded\n.TP\n1\nsome or all inputs failed; the results of the others are "
    "written\n"
    ".TP\n2\nusage error: unknown options or names, or no input\n.TP\n3\nfatal error: the model cannot be loaded, or "
    "the output cannot be written\n"
    ".TP\n130, 143\ninterrupted; finished results are kept\n";

class ManPage : public Command {
 public:
  int run() override {
    const auto line = make_command_line();
    std::string text =
        fmt::format(".TH FOVEA 1 \"\" \"fovea {}\" \"User Commands\"\n.SH NAME\nfovea \\- {}\n.SH SYNOPSIS\n",
                    FOVEA_VERSION, "classify pictures with a Vision Transformer and show where it looked");
    std::string sections;
    std::string general;
    for (std::size_t i = 0; i < verbs().size(); ++i) {
      const Verb& verb = verbs()[i];
      if (verb.hidden) continue;
      text += fmt::format("\\fBfovea {}\\fR [OPTION...] {}\n.br\n", roff(verb.name), roff(verb.operands));
      sections += verb_section(verb, *line->apps[i]);
      if (!general.empty()) continue;
      for (const CLI::Option* option : visible_options(*line->apps[i])) {
        if (option->get_group() == "General") general += option_entry(*option);
      }
    }
    print(fmt::format("{}.SH VERBS\n{}.SH OPTIONS OF ALL VERBS\n{}{}{}", text, sections, general, kEnvironment, kExit));
    return 0;
  }
};

}  // namespace

const Verb manpage_verb = {"manpage",
                           "Print the manual page",
                           "",
                           "",
                           {"fovea manpage | man -l -", "", ""},
                           true,
                           [](CLI::App&) -> std::unique_ptr<Command> { return std::make_unique<ManPage>(); }};

}  // namespace fovea::cli
