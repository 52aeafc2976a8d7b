#include "cli/terminal/rows.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "cli/terminal/interrupt.hpp"

namespace fovea::cli {

Rows::Rows(std::size_t total, std::string_view format, ReportOptions options, const CommonOptions& common,
           const std::filesystem::path& file)
    : stdout_(STDOUT_FILENO),
      messages_(use_color(common.color, STDERR_FILENO)),
      progress_(total, !common.quiet && total > 1) {
  if (!file.empty() && file != "-") file_.emplace(file);
  repeat_failures_ = format != "text" || file_ || ::isatty(STDOUT_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0;
  options.color = file_ ? common.color == "always" : use_color(common.color, STDOUT_FILENO);
  std::ostream& out = file_ ? static_cast<std::ostream&>(text_) : stdout_;
  guarded([&] { writer_ = report_format(format).make(out, options); });
}

template <typename Action>
void Rows::guarded(Action&& action) {
  if (closed_) return;
  try {
    action();
  } catch (const Error& error) {
    if (file_ || stdout_.error() == 0) throw;
    closed_ = stdout_.error() == EPIPE;
    if (closed_) return;
    throw Error(ErrorCode::kOutput,
                fmt::format("standard output: cannot be written: {}", std::generic_category().message(stdout_.error())),
                error.hint());
  }
}

void Rows::write(const Record& record) {
  progress_.erase();
  summary_.count(record);
  if (record.failure && repeat_failures_) messages_.error(record.failure->message, record.failure->hint);
  guarded([&] { writer_->write(record); });
  progress_.step();
}

void Rows::write(const Comparison& comparison) {
  progress_.erase();
  guarded([&] { writer_->write(comparison); });
}

void Rows::finish(bool interrupted) {
  progress_.erase();
  summary_.interrupted = interrupted;
  guarded([&] { writer_->finish(summary_); });
  if (!file_) return;
  file_->append(std::move(text_).str());
  file_->commit();
}

int Rows::exit_code() const {
  if (const int code = interrupt_exit_code(); code != 0) return code;
  return summary_.failed > 0 ? 1 : 0;
}

}  // namespace fovea::cli
