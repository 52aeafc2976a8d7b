// Which part of a batch this call runs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "pipeline/folder/shard.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace fovea::cli {

struct ShardFlags {
  std::string shard;
  std::size_t shards = 0;  // 0: not given
};
void add_shard_options(CLI::App& app, ShardFlags& flags);

/// None without --shard: the scheduler's variables are read for `auto` only.
/// @throws Error  kUsage for what names no shard, naming the variable that is missing or does not fit.
[[nodiscard]] std::optional<Shard> chosen_shard(const ShardFlags& flags);

}  // namespace fovea::cli
