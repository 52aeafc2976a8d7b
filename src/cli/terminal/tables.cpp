#include "cli/terminal/tables.hpp"

#include "cli/options/options.hpp"
#include "cli/terminal/help.hpp"

namespace fovea::cli {

std::span<const Verb> verbs() {
  static const Verb table[] = {
#define FOVEA_VERB(verb) verb##_verb,
#include "cli/verbs.def"
#undef FOVEA_VERB
  };
  return table;
}

std::unique_ptr<CommandLine> make_command_line() {
  auto line = std::make_unique<CommandLine>();
  CLI::App& root = line->app;
  root.name("fovea");
  root.description("Classifies image files with a Vision Transformer and shows where it looked.");
  root.formatter(std::make_shared<HelpFormatter>());
  root.set_help_flag("-h,--help", "print this and stop");
  root.add_flag("--version", line->version, "print the version and stop; with -v, also print what it was built with");
  root.add_flag("-v,--verbose", line->verbose, "say more");
  root.footer("`fovea VERB -h` explains a verb.\n\n" + examples_text(verbs().front()));
  for (const Verb& verb : verbs()) {
    CLI::App* app = root.add_subcommand(std::string(verb.name), std::string(verb.about));
    app->set_help_flag("-h,--help", "print this and stop");
    app->option_defaults()->take_last();
    line->commands.push_back(verb.make(*app));
    add_common_options(*app, line->commands.back()->common);
    for (CLI::Option* option : app->get_options([](const CLI::Option*) { return true; })) {
      option->envname(environment_name(*option));
    }
    app->footer(examples_text(verb));
    if (verb.hidden) app->group("");
    line->apps.push_back(app);
  }
  return line;
}

}  // namespace fovea::cli
