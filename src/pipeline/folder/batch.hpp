// `fovea batch`: a folder of results that can be stopped, repeated and looked at.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fovea/model.hpp"
#include "pipeline/pictures.hpp"
#include "report/record.hpp"

namespace fovea {

struct BatchOptions {
  std::filesystem::path model;  // what is hashed
  LoadOptions load;             // as it was loaded
  std::string labels_source;    // where the class names were read, for summary.json
  bool fresh = false;           // results of an earlier run count for nothing
  std::optional<std::filesystem::path> save_logits;
  std::map<std::string, std::string> all_options;     // for summary.json, by flag name
  std::map<std::string, std::string> result_options;  // those that change what a row says or a picture shows
  std::string version;
};

struct BatchOutcome {
  Summary counts;
  std::size_t skipped = 0;  // rows kept from an earlier run
  double seconds = 0;       // of this run's work
};

/// Makes, below options.layout.folder: results.jsonl (appended row by row while it runs), overlays/, thumbs/ and at the
/// end, in input order, results.jsonl, results.csv, summary.json and index.html. `seen` is called for every input in
/// input order, kept rows included.
/// @throws Error  kOutput, kCheckpoint; what was done until then stays and is found by the next run.
BatchOutcome run_batch_folder(Engine& engine, std::span<const Input> inputs, const PictureOptions& pictures,
                              std::size_t threads, std::size_t batch, const BatchOptions& options,
                              const std::function<void(const Record&)>& seen, const std::atomic<bool>* stop = nullptr);

}  // namespace fovea
