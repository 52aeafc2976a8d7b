#include "pipeline/folder/merge.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <system_error>
#include <utility>

#include "base/files.hpp"
#include "pipeline/folder/batch.hpp"
#include "pipeline/folder/batch_files.hpp"
#include "pipeline/folder/earlier_rows.hpp"
#include "pipeline/folder/outputs.hpp"
#include "pipeline/folder/resume.hpp"
#include "pipeline/folder/shard.hpp"

namespace fovea {

namespace fs = std::filesystem;

namespace {

class Merge {
 public:
  explicit Merge(const fs::path& out) : out_(out), sheet_(read_sheet(out)) {}

  Merged run() {
    merged_.shards = sheet_.shards;
    for (std::size_t shard = 0; shard < sheet_.shards; ++shard) add({shard, sheet_.shards});
    if (!missing_.empty()) {
      merged_.gaps.push_back(fmt::format("{}: {} of {} shards have not ended: {}", printable(out_), missing_.size(),
                                         sheet_.shards, fmt::join(missing_, ", ")));
    }
    if (!merged_.gaps.empty()) return std::move(merged_);
    write();
    return std::move(merged_);
  }

 private:
  static RunSheet read_sheet(const fs::path& out) {
    const fs::path path = run_sheet_path(out);
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: no such file, expected what the first shard writes", printable(path)),
                  "`fovea batch PATH... -o OUT --shard 0/2` runs the first of two shards");
    }
    return run_sheet_from_json(read_text_file(path), printable(path));
  }

  void add(const Shard& shard) {
    const ShardFolder folder(out_, shard);
    if (!folder.has_ended()) {
      missing_.push_back(shard.index);
      return;
    }
    const BatchSummary summary = summary_from_json(read_text_file(folder.summary()), printable(folder.summary()));
    check_run(summary, folder);
    if (!first_) {
      first_ = summary.shard;
      from_.resize(first_->inputs);
      rows_.resize(first_->inputs);
      merged_.summary = summary;
      merged_.summary.shard.reset();
    } else {
      merged_.summary.skipped += summary.skipped;
      merged_.summary.removed += summary.removed;
      merged_.summary.seconds += summary.seconds;
      if (summary.shard->inputs_sha256 != first_->inputs_sha256) {
        return add_gap(shard, fmt::format("saw {} inputs, and shard {} saw {}: the folder has changed between them",
                                          summary.shard->inputs, first_->index, first_->inputs));
      }
    }
    for (Record& row : read_rows(folder.rows())) {
      if (!add(std::move(row), shard)) return;
    }
  }

  void check_run(const BatchSummary& summary, const ShardFolder& folder) const {
    const std::string expected = run_fingerprint(sheet_.model_sha256, sheet_.options);
    if (summary.shard && summary.shard->run == expected) return;
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: its run is {}, expected {} as in run.json", printable(folder.path()),
                            summary.shard ? summary.shard->run : "none", expected),
                "it was made with another model or other options: remove it, and run this shard again");
  }

  /// @return  false where the shard cannot be used as it is
  bool add(Record row, const Shard& shard) {
    if (row.index >= rows_.size() || rows_[row.index]) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: row {} of shard {} is {}, expected a row of its own", printable(out_), row.index,
                              shard.index,
                              row.index < rows_.size() ? fmt::format("shard {}'s, too", from_[row.index])
                                                       : fmt::format("beyond the {} inputs", rows_.size())),
                  "remove the shard that does not belong there, and run it again");
    }
    for (const std::string& name : files_of(row)) {
      if (row.source && is_whole(out_, name, *row.source)) continue;
      add_gap(shard, fmt::format("{} is gone or is not as it was written", printable(out_ / name)));
      return false;
    }
    from_[row.index] = shard.index;
    rows_[row.index] = std::move(row);
    return true;
  }

  void add_gap(const Shard& shard, const std::string& what) {
    merged_.gaps.push_back(fmt::format("{}: shard {}: {}", printable(out_), shard.index, what));
  }

  void write() {
    std::vector<Record> records;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (!rows_[i]) {
        merged_.gaps.push_back(fmt::format("{}: no shard has row {}, expected one", printable(out_), i));
        return;
      }
      records.push_back(std::move(*rows_[i]));
    }
    require_replaced(out_ / kBatchRows, records);
    BatchSummary& summary = merged_.summary;
    count_rows(records, summary);
    const auto done = static_cast<double>(records.size() - summary.skipped);
    summary.images_per_second = summary.seconds > 0 ? done / summary.seconds : 0;
    write_batch_files(out_, records, summary, sheet_.columns, Sync::kYes);
  }

  fs::path out_;
  RunSheet sheet_;
  Merged merged_;
  std::vector<std::size_t> missing_;         // shards
  std::optional<ShardSummary> first_;        // of the first shard that has ended
  std::vector<std::optional<Record>> rows_;  // by index
  std::vector<std::size_t> from_;            // the shard of each row
};

}  // namespace

Merged merge_shards(const fs::path& out) {
  return Merge(out).run();
}

}  // namespace fovea
