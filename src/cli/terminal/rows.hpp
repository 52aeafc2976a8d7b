// Where the rows of a run go: standard output as they come, or a file in one piece; failures to standard error too.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "cli/command.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/terminal.hpp"
#include "report/comparison.hpp"
#include "report/record.hpp"
#include "report/writer.hpp"

namespace fovea::cli {

class Rows {
 public:
  /// @param file        empty or "-": standard output.
  /// @param comparison  the rows end with one, which is what they are for
  Rows(std::size_t total, std::string_view format, std::size_t top_k, const CommonOptions& common,
       const std::filesystem::path& file = {}, bool comparison = false);

  /// A closed pipe is no error: see closed().
  /// @throws Error  kOutput.
  void write(const Record& record);
  void write(const Comparison& comparison);
  /// The last lines, and the file into place.
  /// @throws Error  kOutput.
  void finish(bool interrupted);

  /// Nobody reads standard output any more.
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  /// The contract's 0 or 1, or 130 and 143 after a signal.
  [[nodiscard]] int exit_code() const;
  [[nodiscard]] const Summary& summary() const noexcept { return summary_; }

 private:
  template <typename Action>
  void guarded(Action&& action);

  std::filesystem::path file_;
  DescriptorStream stdout_;
  std::ostringstream text_;  // what becomes the file
  std::unique_ptr<ReportWriter> writer_;
  Messages messages_;
  Progress progress_;
  Summary summary_;
  bool repeat_failures_;  // on standard error; not where the same eyes read the report
  bool closed_ = false;
};

}  // namespace fovea::cli
