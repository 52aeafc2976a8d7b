// From the rows of all shards to the results of one batch.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "report/files/documents.hpp"

namespace fovea {

struct Merged {
  std::size_t shards = 0;
  std::vector<std::string>
      gaps;              // what keeps the shards from being the whole: a sentence each; then nothing is written
  BatchSummary summary;  // as written
};

/// Writes results.jsonl, results.csv, summary.json and index.html of the batch that the shards below `out` make
/// together: the bytes that one run over all inputs would have written, but for the times. Times and counts of kept
/// rows are the shards' sums.
/// @throws Error  kUsage if there is no run.json, a shard is of another run, two shards have one row, or a row in
///                results.jsonl would be lost; kDecode, kUnreadable, kOutput.
[[nodiscard]] Merged merge_shards(const std::filesystem::path& out);

}  // namespace fovea
