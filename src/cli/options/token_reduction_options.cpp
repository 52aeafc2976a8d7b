#include "cli/options/token_reduction_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/options/options.hpp"
#include "fovea/error.hpp"

namespace fovea::cli {
void add_token_reduction_options(CLI::App& app, TokenReductionFlags& flags) {
  const std::string group = "Token reduction (hard attention)";
  require_number(
      app.add_option(
          "--keep", flags.keep,
          "after a quarter, a half and three quarters of the blocks, keep this share of the patches: those that the "
          "class token attends to most; the other patches become one token (EViT)"),
      {0, 1, true, false})
      ->capture_default_str()
      ->type_name("0..1")
      ->group(group);
  add_count(app, "--merge", flags.merge, 0, "in each block, merge this many tokens into the most similar ones (ToMe)")
      ->group(group);
  app.add_flag("--sample", flags.sample, "with --keep: draw the patches at random, in proportion to their attention")
      ->group(group);
  add_count(app, "--draws", flags.draws, 1, "with --sample: average over this many draws")->group(group);
  if (app.get_option_no_throw("--seed") != nullptr) return;
  add_count(app, "--seed", flags.seed, 0, "seed of all random numbers")->group(group);
}

TokenReduction token_reduction(const TokenReductionFlags& flags, std::uint64_t map_seed) {
  if (flags.keep < 1.0 && flags.merge > 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--keep {} with --merge {}, expected one of them", flags.keep, flags.merge),
                "--keep drops patches, --merge joins similar ones");
  }
  if (flags.sample && flags.keep == 1.0) {
    throw Error(ErrorCode::kUsage, "--sample without --keep, expected the share of patches to draw",
                "--keep 0.7 --sample draws 70 % of them at each stage");
  }
  if (flags.draws > 1 && !flags.sample) {
    throw Error(ErrorCode::kUsage, fmt::format("--draws {} without --sample, expected something random", flags.draws),
                "add --keep 0.7 --sample, or leave out --draws");
  }
  TokenReduction reduction;
  reduction.keep = flags.keep;
  reduction.merge = flags.merge;
  reduction.sample = flags.sample;
  reduction.seed = map_seed != 0 ? map_seed : flags.seed;
  return reduction;
}

std::map<std::string, std::string> option_texts(const TokenReductionFlags& flags) {
  std::map<std::string, std::string> texts;
  if (flags.keep < 1.0) texts["keep"] = fmt::format("{}", flags.keep);
  if (flags.merge > 0) texts["merge"] = std::to_string(flags.merge);
  if (!flags.sample) return texts;
  texts["sample"] = "true";
  texts["draws"] = std::to_string(flags.draws);
  texts["seed"] = std::to_string(flags.seed);
  return texts;
}

}  // namespace fovea::cli
