// The writers of records, one for each format.
#pragma once

#include <cstddef>
#include <memory>
#include <ostream>
#include <span>
#include <string_view>

#include "report/comparison.hpp"
#include "report/record.hpp"

namespace fovea {

struct ReportOptions {
  std::size_t top_k = 5;
  bool values = false;   // predictions are values, not probabilities
  bool unknown = false;  // the model tells pictures of none of its classes: csv then has a column for that
  bool color = false;
  bool verdicts = false;    // maps were judged by --faithfulness: csv then has a column for that
  bool comparison = false;  // a comparison of methods will follow: text then omits pictures' results and csv their rows
};

/// Writes records in the order in which they arrive. Throws Error kOutput if the stream fails.
class ReportWriter {
 public:
  virtual ~ReportWriter() = default;
  virtual void write(const Record& record) = 0;
  /// Writes the comparison of all records; at most once, after the last record.
  virtual void write(const Comparison& comparison) = 0;
  /// Called once, after the last record.
  virtual void finish(const Summary& summary) = 0;
};

/// One row of the registry.
struct ReportFormat {
  std::string_view name;  // as in -f
  std::string_view about;
  std::unique_ptr<ReportWriter> (*make)(std::ostream&, const ReportOptions&);
};

[[nodiscard]] std::span<const ReportFormat> report_formats();
/// @throws Error  kUsage for an unknown name, with the nearest one as the hint.
[[nodiscard]] const ReportFormat& report_format(std::string_view name);

}  // namespace fovea
