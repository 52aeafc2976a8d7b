#include "pipeline/folder/batch_files.hpp"

#include <sstream>
#include <utility>

#include "base/files.hpp"
#include "fovea/prediction.hpp"
#include "pipeline/folder/batch.hpp"

namespace fovea {

void count_rows(std::span<const Record> records, BatchSummary& summary) {
  for (const Record& record : records) {
    summary.counts.count(record);
    if (record.failure) {
      ++summary.failures[std::string(name(record.failure->code))];
      continue;
    }
    if (record.predictions.empty()) continue;
    const Prediction& best = record.predictions.front();
    ++summary.class_histogram[best.label.value_or(std::to_string(best.class_index))];
  }
}

std::string report_text(std::string_view format, std::span<const Record> records, const Summary& counts,
                        const ReportOptions& columns) {
  std::ostringstream text;
  const auto writer = report_format(format).make(text, columns);
  for (const Record& record : records) writer->write(record);
  writer->finish(counts);
  return std::move(text).str();
}

void write_batch_files(const std::filesystem::path& folder, std::span<const Record> records,
                       const BatchSummary& summary, const ReportOptions& columns, Sync sync) {
  replace_file(folder / kBatchRows, report_text("jsonl", records, summary.counts, columns), sync);
  replace_file(folder / "results.csv", report_text("csv", records, summary.counts, columns));
  replace_file(folder / "summary.json", summary_json(summary));
  replace_file(folder / "index.html", gallery_html(records, summary));
}

}  // namespace fovea
