#include "cli/options/config.hpp"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <sstream>

#include "base/files.hpp"
#include "base/process/input_stream.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea::cli {
namespace {

std::vector<CLI::ConfigItem> read_items(const std::filesystem::path& file) {
  std::istringstream text;
  try {
    text.str(read_named_text(file));
  } catch (const Error& error) {
    throw Error(ErrorCode::kUsage, error.what(), error.hint().empty() ? "--config takes a TOML file" : error.hint());
  }
  try {
    return CLI::ConfigTOML().from_config(text);
  } catch (const CLI::Error& error) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: {}", printable(file), error.what()), "--config takes a TOML file");
  }
}

std::vector<std::string> verb_names() {
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) {
    if (!verb.hidden) names.emplace_back(verb.name);
  }
  return names;
}

std::vector<std::string> keys_of(const CLI::App& app) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) keys.push_back(name);
  }
  return keys;
}

/// Whether another verb has this option: one file serves all verbs.
bool is_for_another(const CLI::App& app, const std::string& key) {
  const auto siblings = app.get_parent()->get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* sibling : siblings) {
    if (sibling->get_option_no_throw("--" + key) != nullptr) return true;
  }
  return false;
}

void set(CLI::Option& option, const CLI::ConfigItem& item) {
  if (option.count() > 0) return;  // a flag or the environment has set it
  if (option.get_items_expected_max() == 0) {
    const std::string word = item.inputs.empty() ? "true" : item.inputs.front();
    if (CLI::detail::to_flag_value(word) < 1) return;
    option.add_result("true");
  } else {
    for (const std::string& value : item.inputs) option.add_result(value);
  }
  option.run_callback();
}

}  // namespace

void apply_config(const std::filesystem::path& file, CLI::App& app) {
  const std::vector<std::string> known_verbs = verb_names();
  for (const CLI::ConfigItem& item : read_items(file)) {
    if (item.name == "++" || item.name == "--") continue;  // CLI11's marks for the begin and end of a section
    if (!item.parents.empty()) {
      const std::string& section = item.parents.front();
      if (std::find(known_verbs.begin(), known_verbs.end(), section) == known_verbs.end() || item.parents.size() > 1) {
        throw Error(ErrorCode::kUsage, fmt::format("{}: unknown section [{}]", printable(file), section),
                    did_you_mean(section, known_verbs));
      }
      if (section != app.get_name()) continue;
    }
    CLI::Option* option = app.get_option_no_throw("--" + item.name);
    if (option != nullptr) {
      set(*option, item);
    } else if (!item.parents.empty() || !is_for_another(app, item.name)) {
      throw Error(ErrorCode::kUsage, fmt::format("{}: unknown option {}", printable(file), item.name),
                  did_you_mean(item.name, keys_of(app)));
    }
  }
}

}  // namespace fovea::cli
