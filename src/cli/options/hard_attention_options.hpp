// The flags for a model that looks only where it must.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "cli/command.hpp"
#include "fovea/model.hpp"
#include "pipeline/maps/explanations.hpp"

namespace fovea::cli {

struct HardAttentionFlags {
  double keep = 1.0;
  std::size_t merge = 0;
  bool sample = false;
  std::size_t draws = 1;
  std::uint64_t seed = 0;  // of a verb with a --seed for everything random: that one's value
};
/// --keep, --merge, --sample, --draws, and --seed where `app` has none yet.
void add_hard_attention_options(CLI::App& app, HardAttentionFlags& flags);

/// The first of `flags.draws` draws: the others differ in `draw` alone.
/// @throws Error  kUsage for options that contradict each other.
[[nodiscard]] TokenReduction token_reduction(const HardAttentionFlags& flags);

/// Fills what concerns hard attention. A verb with maps has applied their flags before, the seed among them.
/// @throws Error  as token_reduction().
void apply_hard_attention_flags(HardAttentionFlags flags, MapPlan& plan);

/// By flag name, those that change something; for summary.json and the fingerprint of a run.
[[nodiscard]] std::map<std::string, std::string> option_texts(const HardAttentionFlags& flags);

}  // namespace fovea::cli
