// The flags of token reduction (hard attention).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "cli/command.hpp"
#include "fovea/session.hpp"

namespace fovea::cli {

struct TokenReductionFlags {
  double keep = 1.0;
  std::size_t merge = 0;
  bool sample = false;
  std::size_t draws = 1;
  std::uint64_t seed = 0;  // only where the verb has no other --seed
};
/// --keep, --merge, --sample, --draws, and --seed where `app` has none yet.
void add_token_reduction_options(CLI::App& app, TokenReductionFlags& flags);

/// The first of `flags.draws` draws; the others differ from it only in `draw`.
/// @param map_seed  --seed of a verb with maps; 0: not given, or none
/// @throws Error    kUsage for options that contradict each other.
[[nodiscard]] TokenReduction token_reduction(const TokenReductionFlags& flags, std::uint64_t map_seed = 0);

/// The flags that change something, by name: for summary.json and the fingerprint of a run.
[[nodiscard]] std::map<std::string, std::string> option_texts(const TokenReductionFlags& flags);

}  // namespace fovea::cli
