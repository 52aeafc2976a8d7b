#include "pipeline/folder/batch.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <sstream>
#include <utility>

#include "base/files.hpp"
#include "base/process/interrupt.hpp"
#include "fovea/prediction.hpp"
#include "fovea/session.hpp"
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
    check_writable(folder_ / pictures_.layout.maps);
    if (pictures_.layout.thumbnails) check_writable((folder_ / thumbnail_name({})).parent_path());
    if (options_.save_logits) logits_file_.emplace(*options_.save_logits);
    const std::vector<Record> kept = keep_rows();
    RowLog log(folder_ / kBatchRows, kept, options_.sync);
    for (const Record& record : kept) records_[record.index] = record;
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
      write_documents(outcome, done);
      return outcome;
    };
    const auto leave = [&](std::size_t written) {
      if (give_up) give_up(finish(written));
    };
    return finish(engine_.run(
        inputs_, todo, pictures_, plan_schedule(todo.size(), threads, batch),
        [&](PictureOutcome outcome) {
          Record& record = records_[outcome.record.index].emplace(std::move(outcome.record));
          if (record.source) record.source->run = run_id();
          keep_logits(record.index, outcome.logits);
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

  /// The rows of an earlier run that still hold, in input order.
  std::vector<Record> keep_rows() {
    std::vector<Record> kept;
    std::optional<SavedLogits> saved;
    if (options_.save_logits) saved.emplace(*options_.save_logits, class_space(), pictures_.predictions);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const std::optional<Record>& row = options_.earlier.rows[i];
      if (!row) continue;
      const bool as_is = options_.earlier.as_is[i];
      auto record = as_is ? row : still_valid(*row, inputs_[i], i, pictures_.layout, run_id());
      if (!record) continue;
      if (saved) {
        const auto logits = saved->row_of(*row);
        if (!logits && !as_is) continue;
        if (logits) keep_logits(i, *logits);
      }
      record->index = i;
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

  [[nodiscard]] std::string report(std::string_view format, std::span<const Record> records,
                                   const Summary& counts) const {
    std::ostringstream text;
    ReportOptions report_options;
    report_options.top_k = pictures_.predictions.top_k;
    report_options.verdicts = pictures_.maps.faithfulness;
    report_options.values = class_space().function == ScoreFunction::kNone;
    report_options.unknown = has_unknown_rule(engine_.info(), pictures_);
    const auto writer = report_format(format).make(text, report_options);
    for (const Record& record : records) writer->write(record);
    writer->finish(counts);
    return std::move(text).str();
  }

  /// Everything in input order; each file is replaced in one step. What a later run reads is on the disk then.
  void write_documents(BatchOutcome& outcome, std::size_t done) {
    std::vector<Record> records;
    for (auto& record : records_) {
      if (record) records.push_back(std::move(*record));
    }
    BatchSummary summary;
    for (const Record& record : records) {
      if (record.failure) {
        ++outcome.counts.failed;
        ++summary.failures[std::string(name(record.failure->code))];
        continue;
      }
      ++outcome.counts.succeeded;
      if (record.predictions.empty()) continue;
      const Prediction& best = record.predictions.front();
      ++summary.class_histogram[best.label.value_or(std::to_string(best.class_index))];
    }
    summary.counts = outcome.counts;
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
    replace_file(folder_ / kBatchRows, report("jsonl", records, outcome.counts), options_.sync);
    replace_file(folder_ / "results.csv", report("csv", records, outcome.counts));
    if (logits_file_) {
      const std::size_t shape[] = {inputs_.size(), classes()};
      logits_file_->append(npy_f32(logits_, shape));
      logits_file_->commit(options_.sync);
    }
    replace_file(folder_ / "summary.json", summary_json(summary));
    replace_file(folder_ / "index.html", gallery_html(records, summary));
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
