// `fovea batch`: a folder of results; a run can be stopped and continued.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/pending_file.hpp"
#include "fovea/model.hpp"
#include "pipeline/folder/earlier_rows.hpp"
#include "pipeline/folder/shard.hpp"
#include "pipeline/pictures.hpp"
#include "report/record.hpp"

namespace fovea {

/// What a batch writes beside the pictures' files, relative to its folder.
inline constexpr const char* kBatchRows = "results.jsonl";
inline constexpr std::array kBatchFiles{kBatchRows, "results.csv", "summary.json", "index.html"};

struct BatchOptions {
  std::filesystem::path model;  // its content is hashed
  LoadOptions load;             // as it was loaded
  std::string labels_source;    // where the class names were read, for summary.json
  EarlierRows earlier;          // of the inputs
  Sync sync = Sync::kYes;       // kNo: what a later run keeps may be lost in a power cut
  std::optional<std::filesystem::path> save_logits;
  std::map<std::string, std::string> all_options;     // for summary.json, by flag name
  std::map<std::string, std::string> result_options;  // those that change a row or a picture
  std::string version;
  std::optional<ShardPart> shard;  // of a run over several machines: the inputs are this shard's
};

struct BatchOutcome {
  Summary counts;
  std::size_t skipped = 0;  // rows kept from an earlier run
  double seconds = 0;       // of this run's work
};

/// Makes, below options.layout.folder: results.jsonl (appended in groups of rows while it runs), overlays/, thumbs/ and
/// at the end, in input order, results.jsonl, results.csv, summary.json and index.html. `seen` is called for every
/// input in input order, kept rows included. A shard writes overlays/ and thumbs/ there, too, and its rows and its
/// summary in its ShardFolder; the table and the page are merge_shards()'s.
/// @param give_up  as GiveUp of run_batch(), after all files are written
/// @throws Error  kOutput, kCheckpoint; of a shard as join_run(); results written until then stay, and the next run
/// keeps them.
BatchOutcome run_batch_folder(Engine& engine, std::span<const Input> inputs, const PictureOptions& pictures,
                              std::size_t threads, std::size_t batch, const BatchOptions& options,
                              const std::function<void(const Record&)>& seen,
                              const std::function<void(const BatchOutcome&)>& give_up = {});

}  // namespace fovea
