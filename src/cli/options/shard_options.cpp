#include "cli/options/shard_options.hpp"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "base/files.hpp"
#include "cli/options/options.hpp"
#include "fovea/error.hpp"

namespace fovea::cli {
namespace {

constexpr std::size_t kMostShards = 100'000;  // their folders have five digits

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<std::string> variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// @throws Error  kUsage if it is not set, or no whole number.
std::size_t number_in(const char* name) {
  const std::string value = variable(name).value_or("not set");
  const auto number = whole_number(value);
  if (number) return *number;
  throw Error(ErrorCode::kUsage, fmt::format("--shard auto: {} is {}, expected a whole number", name, printable(value)),
              "--shard I/N says it without the environment");
}

constexpr const char* kCountFrom0 = "the first of 16 shards is 0/16, the last 15/16";

/// @param source  what the numbers were taken from, for the message
Shard checked(std::size_t index, std::size_t count, std::string_view source) {
  if (count < 1 || count > kMostShards) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: the number of shards is {}, expected 1 to {}", source, count, kMostShards),
                kCountFrom0);
  }
  if (index < count) return {index, count};
  throw Error(ErrorCode::kUsage, fmt::format("{}: the shard is {}, expected 0 to {}", source, index, count - 1),
              kCountFrom0);
}

Shard parse(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string::npos) {
    const auto index = whole_number(std::string_view(text).substr(0, slash));
    const auto count = whole_number(std::string_view(text).substr(slash + 1));
    if (index && count) return checked(*index, *count, "--shard " + text);
  }
  throw Error(ErrorCode::kUsage, fmt::format("--shard is '{}', expected I/N or auto", printable(text)), kCountFrom0);
}

/// Without --shards the array's own bounds and step count the tasks. With it the task's number is the shard's, so that
/// a few tasks of the array can be run again.
Shard slurm_shard(std::size_t shards) {
  const std::size_t task = number_in("SLURM_ARRAY_TASK_ID");
  if (shards > 0) return checked(task, shards, fmt::format("SLURM_ARRAY_TASK_ID {}", task));
  const std::size_t count = number_in("SLURM_ARRAY_TASK_COUNT");
  const std::size_t least = number_in("SLURM_ARRAY_TASK_MIN");
  const std::size_t most = number_in("SLURM_ARRAY_TASK_MAX");
  const std::size_t step = variable("SLURM_ARRAY_TASK_STEP") ? number_in("SLURM_ARRAY_TASK_STEP") : 1;
  if (step == 0 || task < least || most < least || (most - least) / step + 1 != count || (task - least) % step != 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--shard auto: the array's {} tasks from {} to {} have gaps, expected all of them", count,
                            least, most),
                "--shards N takes the task's number as the shard's: for --array=3,7 of 0-15, --shards 16");
  }
  return checked((task - least) / step, count, fmt::format("SLURM_ARRAY_TASK_ID {}", task));
}

Shard scheduler_shard(std::size_t shards) {
  const bool slurm = variable("SLURM_ARRAY_TASK_ID").has_value();
  const bool kubernetes = variable("JOB_COMPLETION_INDEX").has_value();
  if (slurm == kubernetes) {
    throw Error(ErrorCode::kUsage,
                slurm ? "--shard auto: SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX are both set, expected one"
                      : "--shard auto: neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set, expected one",
                "--shard I/N says it without the environment");
  }
  if (slurm) return slurm_shard(shards);
  const std::size_t index = number_in("JOB_COMPLETION_INDEX");
  if (shards > 0) return checked(index, shards, fmt::format("JOB_COMPLETION_INDEX {}", index));
  throw Error(ErrorCode::kUsage, "--shards is missing, expected the job's number of completions",
              "JOB_COMPLETION_INDEX says which part this is, and nothing says of how many");
}

}  // namespace

void add_shard_options(CLI::App& app, ShardFlags& flags) {
  const std::string group = "Many machines";
  app.add_option(
         "--shard", flags.shard,
         "run part I of N, from 0, for `fovea merge`; auto: as a Slurm array or an indexed job of Kubernetes says")
      ->type_name("I/N")
      ->group(group);
  add_count(app, "--shards", flags.shards, 1, "the number of parts, where the scheduler does not say it", kMostShards)
      ->default_str("")
      ->group(group);
}

std::optional<Shard> chosen_shard(const ShardFlags& flags) {
  if (flags.shard.empty()) return std::nullopt;
  return flags.shard == "auto" ? scheduler_shard(flags.shards) : parse(flags.shard);
}

}  // namespace fovea::cli
