// fovea completions SHELL: prints a shell's completions, made from the same tables as -h.
#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/terminal/help.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/tables.hpp"
#include "fovea/error.hpp"

namespace fovea::cli {
namespace {

/// "{text|json}" → {"text", "json"}; empty for other values.
std::vector<std::string> choices_of(const CLI::Option& option) {
  std::string type = option.get_type_name();
  if (option.get_items_expected_max() == 0 || type.size() < 2 || type.front() != '{') return {};
  return CLI::detail::split(type.substr(1, type.size() - 2), '|');
}

std::vector<std::string> flags_of(const CLI::Option& option) {
  std::vector<std::string> flags;
  for (const std::string& name : option.get_snames()) flags.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flags.push_back("--" + name);
  return flags;
}

struct VisibleVerb {
  const Verb* verb;
  std::vector<const CLI::Option*> options;
};

std::string bash(const std::vector<VisibleVerb>& all) {
  std::vector<std::string_view> names;
  std::string cases;
  for (const auto& [verb, options] : all) {
    names.push_back(verb->name);
    std::vector<std::string> flags;
    std::string values;
    for (const CLI::Option* option : options) {
      const auto own = flags_of(*option);
      flags.insert(flags.end(), own.begin(), own.end());
      if (const auto choices = choices_of(*option); !choices.empty()) {
        values += fmt::format("        {}) COMPREPLY=($(compgen -W \"{}\" -- \"$cur\")); return;;\n",
                              fmt::join(own, "|"), fmt::join(choices, " "));
      }
    }
    cases += fmt::format("    {})\n      case \"$prev\" in\n{}      esac\n      flags=\"{}\";;\n", verb->name, values,
                         fmt::join(flags, " "));
  }
  return fmt::format(R"(# bash completion for fovea
_fovea() {{
  local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="${{COMP_WORDS[COMP_CWORD-1]}}" verb="" word flags=""
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in {0}) verb="$word"; break;; esac
  done
  if [[ -z "$verb" ]]; then
    COMPREPLY=($(compgen -W "{1} --help --version" -- "$cur")); return
  fi
  case "$verb" in
{2}  esac
  if [[ "$cur" == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur")); return; fi
  COMPREPLY=()
}}
complete -o default -o filenames -F _fovea fovea
)",
                     fmt::join(names, "|"), fmt::join(names, " "), cases);
}

/// Escapes a description for zsh, between single quotes and brackets.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      if (c == '[' || c == ']' || c == ':') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string zsh(const std::vector<VisibleVerb>& all) {
  std::string list;
  std::string cases;
  for (const auto& [verb, options] : all) {
    list += fmt::format("    '{}:{}'\n", verb->name, zsh_text(verb->about));
    cases += fmt::format("    {})\n      _arguments -s \\\n", verb->name);
    for (const CLI::Option* option : options) {
      std::string value;
      if (const auto choices = choices_of(*option); !choices.empty()) {
        value = fmt::format(":value:({})", fmt::join(choices, " "));
      } else if (option->get_items_expected_max() > 0) {
        value = fmt::format(":{}:_files", zsh_text(to_lower(option->get_type_name())));
      }
      for (const std::string& flag : flags_of(*option)) {
        cases += fmt::format("        '*{}[{}]{}' \\\n", flag, zsh_text(option->get_description()), value);
      }
    }
    cases += "        '*:file:_files';;\n";
  }
  return fmt::format(R"(#compdef fovea
_fovea() {{
  local -a verbs
  verbs=(
{0}  )
  if (( CURRENT == 2 )); then _describe verb verbs; return; fi
  local verb=$words[2]
  shift words; (( CURRENT-- ))
  case $verb in
{1}  esac
}}
_fovea "$@"
)",
                     list, cases);
}

std::string fish_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string fish(const std::vector<VisibleVerb>& all) {
  std::string text = "# fish completion for fovea\n";
  for (const auto& [verb, options] : all) {
    text += fmt::format("complete -c fovea -n __fish_use_subcommand -f -a {} -d '{}'\n", verb->name,
                        fish_text(verb->about));
    for (const CLI::Option* option : options) {
      text += fmt::format("complete -c fovea -n '__fish_seen_subcommand_from {}'", verb->name);
      for (const std::string& name : option->get_snames()) text += " -s " + name;
      for (const std::string& name : option->get_lnames()) text += " -l " + name;
      if (const auto choices = choices_of(*option); !choices.empty()) {
        text += fmt::format(" -x -a '{}'", fmt::join(choices, " "));
      } else if (option->get_items_expected_max() > 0) {
        text += " -r";
      }
      text += fmt::format(" -d '{}'\n", fish_text(option->get_description()));
    }
  }
  return text;
}

class Completions : public Command {
 public:
  int run() override {
    const std::vector<std::string> shells{"bash", "zsh", "fish"};
    const std::string shell = operands.size() == 1 ? operands.front() : "";
    const auto line = make_command_line();
    std::vector<VisibleVerb> all;
    for (std::size_t i = 0; i < verbs().size(); ++i) {
      if (!verbs()[i].hidden) all.push_back({&verbs()[i], visible_options(*line->apps[i])});
    }
    if (shell == "bash") {
      print(bash(all));
    } else if (shell == "zsh") {
      print(zsh(all));
    } else if (shell == "fish") {
      print(fish(all));
    } else {
      throw Error(ErrorCode::kUsage, fmt::format("the shell is '{}', expected bash, zsh or fish", shell),
                  did_you_mean(shell, shells));
    }
    return 0;
  }
};

}  // namespace

const Verb completions_verb = {
    "completions",
    "Print the completion script of a shell",
    "SHELL",
    "bash, zsh or fish",
    {"fovea completions bash > ~/.local/share/bash-completion/completions/fovea",
     "fovea completions zsh > ~/.zfunc/_fovea", "fovea completions fish > ~/.config/fish/completions/fovea.fish"},
    true,
    [](CLI::App&) -> std::unique_ptr<Command> { return std::make_unique<Completions>(); }};

}  // namespace fovea::cli
