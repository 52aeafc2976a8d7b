// The files that a batch ends with.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/pending_file.hpp"
#include "report/files/documents.hpp"
#include "report/record.hpp"
#include "report/writer.hpp"

namespace fovea {

/// Counts rows, best classes and failures into a summary that has none yet.
void count_rows(std::span<const Record> records, BatchSummary& summary);

/// The rows and their summary in a format of the registry.
[[nodiscard]] std::string report_text(std::string_view format, std::span<const Record> records, const Summary& counts,
                                      const ReportOptions& columns);

/// Writes results.jsonl, results.csv, summary.json and index.html, each replaced in one step. What a later run reads is
/// on the disk then.
/// @param records  in input order
/// @throws Error   kOutput.
void write_batch_files(const std::filesystem::path& folder, std::span<const Record> records,
                       const BatchSummary& summary, const ReportOptions& columns, Sync sync);

}  // namespace fovea
