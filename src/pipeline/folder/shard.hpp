// One batch over many machines: which inputs are a shard's, and where its rows lie.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/folder/inputs.hpp"
#include "report/files/run_sheet.hpp"

namespace fovea {

struct Shard {
  std::size_t index = 0;
  std::size_t count = 1;
};

/// The shard of an input: the first 64 bits of the SHA-256 of its name, big-endian, modulo `count`. The name is
/// relative to the folder that was given, so another mount point or more files move nothing.
[[nodiscard]] std::size_t shard_of(std::string_view name, std::size_t count);

/// The inputs of one shard among those of all.
struct ShardPart {
  Shard shard;
  std::vector<std::size_t> places;  // of each of its inputs among all: the index of its row
  std::size_t inputs = 0;           // of all shards
  std::string inputs_sha256;        // over the paths of all, in order
  std::string arguments_sha256;     // over the paths that were given
};
/// Leaves the shard's own inputs in `inputs`.
/// @param others  receives those of the other shards
[[nodiscard]] ShardPart take_part(const Shard& shard, std::span<const std::string> arguments,
                                  std::vector<Input>& inputs, std::vector<Input>& others);

/// Where the shards of a batch lie below its folder.
class ShardFolder {
 public:
  /// OUT/shards/00003-of-00016
  ShardFolder(const std::filesystem::path& out, const Shard& shard);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// The rows of a shard that has ended: results.jsonl.
  [[nodiscard]] std::filesystem::path rows() const;
  /// Those of one that is at work: results.jsonl.part, which becomes rows() at the end.
  [[nodiscard]] std::filesystem::path growing_rows() const;
  /// Where a shard finds what it did before.
  [[nodiscard]] std::filesystem::path earlier_rows() const;
  [[nodiscard]] std::filesystem::path summary() const;
  /// There are rows, and they are not about to be replaced.
  [[nodiscard]] bool has_ended() const;

 private:
  std::filesystem::path path_;
};

/// OUT/run.json
[[nodiscard]] std::filesystem::path run_sheet_path(const std::filesystem::path& out);
/// Writes run.json if there is none: the first shard does, and all others find the same in it.
/// @throws Error  kUsage if another run's lies there, naming what differs; kOutput.
void join_run(const std::filesystem::path& out, const RunSheet& sheet);

}  // namespace fovea
