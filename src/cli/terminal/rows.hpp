// Writes the records of a run: to standard output as they arrive, or to a file in one piece. Failures also go to
// standard error.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "base/pending_file.hpp"
#include "cli/command.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/terminal.hpp"
#include "report/comparison.hpp"
#include "report/record.hpp"
#include "report/writer.hpp"

namespace fovea::cli {

class Rows {
 public:
  /// @param options  without the colour, which `common` decides
  /// @param file     empty or "-" means standard output; a place that cannot be written is found here
  /// @throws Error   kOutput.
  Rows(std::size_t total, std::string_view format, ReportOptions options, const CommonOptions& common,
       const std::filesystem::path& file = {});

  /// A closed pipe is not an error: see closed().
  /// @throws Error  kOutput.
  void write(const Record& record);
  void write(const Comparison& comparison);
  /// Writes the last lines and renames the file into place.
  /// @throws Error  kOutput.
  void finish(bool interrupted);

  /// The reader has closed standard output.
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  /// 0 or 1, or 130 or 143 after a signal.
  [[nodiscard]] int exit_code() const;
  [[nodiscard]] const Summary& summary() const noexcept { return summary_; }

 private:
  template <typename Action>
  void guarded(Action&& action);

  std::optional<PendingFile> file_;  // none: standard output
  DescriptorStream stdout_;
  std::ostringstream text_;  // contents of the future file
  std::unique_ptr<ReportWriter> writer_;
  Messages messages_;
  Progress progress_;
  Summary summary_;
  bool repeat_failures_ = true;  // on standard error, unless standard output goes to the same terminal
  bool closed_ = false;
};

}  // namespace fovea::cli
