// --config FILE: TOML values for options that neither flags nor the environment set.
#pragma once

#include <filesystem>

#include "cli/command.hpp"

namespace fovea::cli {

/// Gives `app` the values of the file for options that neither a flag nor the environment has set: top-level keys are
/// for every verb that knows them, those of a `[verb]` section for that verb. CLI11 2.1.2's own reader lets the file
/// override the environment.
/// @throws Error  kUsage for a file that cannot be read, an unknown section or key; hints say which is nearest.
void apply_config(const std::filesystem::path& file, CLI::App& app);

}  // namespace fovea::cli
