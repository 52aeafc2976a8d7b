#include "pipeline/folder/batch.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <system_error>
#include <utility>

#include "base/files.hpp"
#include "base/output/disk.hpp"
#include "base/process/interrupt.hpp"
#include "fovea/prediction.hpp"
#include "fovea/session.hpp"
#include "pipeline/folder/batch_files.hpp"
#include "pipeline/folder/resume.hpp"
#include "pipeline/folder/row_log.hpp"
#include "report/files/documents.hpp"
#include "report/writer.hpp"

namespace fovea {
namespace {

class BatchFolder {
 public:
  BatchFolder(Engine& engine, std::span<const Input> inputs, const PictureOptions& pictures,
              const BatchOptions& options)
      : engine_(engine),
        inputs_(inputs),
        pictures_(pictures),
        options_(options),
        folder_(pictures.layout.folder),
        hash_(std::async(std::launch::async,
                         [path = options.model, load = options.load] { return model_sha256(path, load); })
                  .share()),
        records_(inputs.size()) {
    pictures_.model_sha256 = hash_;
    if (options.save_logits) {
      logits_.assign(inputs.size() * classes(), std::numeric_limits<float>::quiet_NaN());
    }
  }

  BatchOutcome run(std::size_t threads, std::size_t batch, const std::function<void(const Record&)>& seen,
                   const std::function<void(const BatchOutcome&)>& give_up) {
    const auto begin = std::chrono::steady_clock::now();
    if (options_.shard) join_run(folder_, run_sheet());
    check_writable(folder_ / pictures_.layout.maps);
    if (pictures_.layout.thumbnails) check_writable((folder_ / thumbnail_name({})).parent_path());
    if (options_.save_logits) logits_file_.emplace(*options_.save_logits);
    const std::vector<Record> kept = keep_rows();
    RowLog log(folder_, rows_file(), kept, options_.sync);
    const std::vector<std::size_t> todo = missing();
    std::size_t shown = 0;
    const auto show_up_to = [&](std::size_t end) {  // kept rows come between the new ones
      for (; shown < end && records_[shown]; ++shown) seen(*records_[shown]);
    };
    show_up_to(inputs_.size());
    const auto finish = [&](std::size_t done) {
      BatchOutcome outcome;
      outcome.skipped = kept.size();
      outcome.counts.interrupted = done < todo.size();
      outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      begin_last_writes();
      log.finish();
      write_results(outcome, done);
      return outcome;
    };
    const auto leave = [&](std::size_t written) {
      if (give_up) give_up(finish(written));
    };
    return finish(engine_.run(
        inputs_, todo, pictures_, plan_schedule(todo.size(), threads, batch),
        [&](PictureOutcome outcome) {
          const std::size_t input = outcome.record.index;
          Record& record = records_[input].emplace(std::move(outcome.record));
          record.index = place_of(input);
          if (record.source) record.source->run = run_id();
          keep_logits(input, outcome.logits);
          log.append(record);
          show_up_to(inputs_.size());
        },
        nullptr, leave));
  }

 private:
  [[nodiscard]] ClassSpace class_space() const { return fovea::class_space(engine_.info(), pictures_); }
  [[nodiscard]] std::size_t classes() const { return class_space().labels.size(); }

  const std::string& model_hash() {
    if (model_hash_.empty()) model_hash_ = hash_.get();
    return model_hash_;
  }
  const std::string& run_id() {
    if (run_id_.empty()) run_id_ = run_fingerprint(model_hash(), options_.result_options);
    return run_id_;
  }

  /// The index of an input's row.
  [[nodiscard]] std::size_t place_of(std::size_t input) const {
    return options_.shard ? options_.shard->places[input] : input;
  }
  /// Where the rows are appended.
  [[nodiscard]] std::filesystem::path rows_file() const {
    return options_.shard ? ShardFolder(folder_, options_.shard->shard).growing_rows() : folder_ / kBatchRows;
  }

  [[nodiscard]] ReportOptions columns() const {
    ReportOptions columns;
    columns.top_k = pictures_.predictions.top_k;
    columns.verdicts = pictures_.maps.faithfulness;
    columns.values = class_space().function == ScoreFunction::kNone;
    columns.unknown = has_unknown_rule(engine_.info(), pictures_);
    return columns;
  }
  RunSheet run_sheet() {
    return {.shards = options_.shard->shard.count,
            .version = options_.version,
            .model_sha256 = model_hash(),
            .arguments_sha256 = options_.shard->arguments_sha256,
            .options = options_.result_options,
            .columns = columns()};
  }

  /// Takes over the rows of an earlier run that still hold, and returns them in input order.
  std::vector<Record> keep_rows() {
    std::vector<Record> kept;
    std::optional<SavedLogits> saved;
    if (options_.save_logits) saved.emplace(*options_.save_logits, class_space(), pictures_.predictions);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const std::optional<Record>& row = options_.earlier.rows[i];
      if (!row) continue;
      const bool as_is = options_.earlier.as_is[i];
      auto record = as_is ? row : still_valid(*row, inputs_[i], place_of(i), pictures_.layout, run_id());
      if (!record) continue;
      if (saved) {
        const auto logits = saved->row_of(*row);
        if (!logits && !as_is) continue;
        if (logits) keep_logits(i, *logits);
      }
      record->index = place_of(i);
      records_[i] = *record;
      kept.push_back(std::move(*record));
    }
    return kept;
  }

  [[nodiscard]] std::vector<std::size_t> missing() const {
    std::vector<std::size_t> todo;
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (!records_[i]) todo.push_back(i);
    }
    return todo;
  }

  void keep_logits(std::size_t index, const Logits& row) {
    if (!options_.save_logits || row.empty()) return;
    std::copy(row.begin(), row.end(), logits_.begin() + static_cast<std::ptrdiff_t>(index * classes()));
  }

  [[nodiscard]] BatchSummary summarize(std::span<const Record> records, const BatchOutcome& outcome, std::size_t done) {
    BatchSummary summary;
    summary.counts.interrupted = outcome.counts.interrupted;
    count_rows(records, summary);
    summary.skipped = outcome.skipped;
    summary.removed = options_.earlier.removed;
    summary.seconds = outcome.seconds;
    summary.images_per_second = outcome.seconds > 0 ? static_cast<double>(done) / outcome.seconds : 0;
    summary.model_name = engine_.info().name;
    summary.model_path = options_.model.string();
    summary.model_sha256 = model_hash();
    summary.labels_source = options_.labels_source;
    summary.options = options_.all_options;
    summary.version = options_.version;
    if (const auto& part = options_.shard) {
      summary.shard = {part->shard.index, part->shard.count, part->inputs, part->inputs_sha256, run_id()};
    }
    return summary;
  }

  /// Everything in input order; each file is replaced in one step.
  void write_results(BatchOutcome& outcome, std::size_t done) {
    std::vector<Record> records;
    for (auto& record : records_) {
      if (record) records.push_back(std::move(*record));
    }
    const BatchSummary summary = summarize(records, outcome, done);
    outcome.counts = summary.counts;
    if (logits_file_) {
      const std::size_t shape[] = {inputs_.size(), classes()};
      logits_file_->append(npy_f32(logits_, shape));
      logits_file_->commit(options_.sync);
    }
    if (options_.shard) return end_shard(records, summary);
    write_batch_files(folder_, records, summary, columns(), options_.sync);
  }

  /// The part becomes results.jsonl, unless there is more to do.
  void end_shard(std::span<const Record> records, const BatchSummary& summary) const {
    const ShardFolder folder(folder_, options_.shard->shard);
    replace_file(folder.summary(), summary_json(summary));
    replace_file(folder.growing_rows(), report_text("jsonl", records, summary.counts, columns()), options_.sync);
    if (summary.counts.interrupted) return;
    std::error_code error;
    std::filesystem::rename(folder.growing_rows(), folder.rows(), error);
    if (error) fail_to_write(folder.rows(), error.value());
    if (options_.sync == Sync::kYes) sync_folder(folder.path());
  }

  Engine& engine_;
  std::span<const Input> inputs_;
  PictureOptions pictures_;
  const BatchOptions& options_;
  std::filesystem::path folder_;
  std::shared_future<std::string> hash_;  // computed while the work goes on; waited for at the first row
  std::string model_hash_;
  std::string run_id_;
  std::vector<std::optional<Record>> records_;  // by input
  std::optional<PendingFile> logits_file_;
  std::vector<float> logits_;  // [inputs, classes], NaN where there are none; or empty
};

}  // namespace

BatchOutcome run_batch_folder(Engine& engine, std::span<const Input> inputs, const PictureOptions& pictures,
                              std::size_t threads, std::size_t batch, const BatchOptions& options,
                              const std::function<void(const Record&)>& seen,
                              const std::function<void(const BatchOutcome&)>& give_up) {
  BatchFolder folder(engine, inputs, pictures, options);
  return folder.run(threads, batch, seen, give_up);
}

}  // namespace fovea
