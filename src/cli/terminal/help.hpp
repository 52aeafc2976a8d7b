// The layout of `-h`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/command.hpp"

namespace fovea::cli {

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(30); }
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
};

/// "N=5", "FILE", "{text|json}=text", or empty for a switch.
[[nodiscard]] std::string value_text(const CLI::Option& option);
/// The options of an app that help shows, in order.
[[nodiscard]] std::vector<const CLI::Option*> visible_options(const CLI::App& app);
/// The examples of a verb, as printed below its help.
[[nodiscard]] std::string examples_text(const Verb& verb);
/// `fovea 0.1.0`; if verbose, also the commit, compiler, libraries and instruction set.
[[nodiscard]] std::string version_text(bool verbose);

}  // namespace fovea::cli
