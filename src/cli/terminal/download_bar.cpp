#include "cli/terminal/download_bar.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "base/files.hpp"
#include "cli/terminal/terminal.hpp"

namespace fovea::cli {

DownloadBar::~DownloadBar() {
  if (drawn_) write_stderr("\r\x1b[K");
}

void DownloadBar::show(const HubProgress& progress) {
  const Clock::time_point now = Clock::now();
  if (begin_ == Clock::time_point{}) {
    begin_ = now;
    before_ = progress.done;
  }
  if (drawn_ && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double rate =
      seconds > 0.5 ? static_cast<double>(progress.done - std::min(before_, progress.done)) / seconds : 0;
  std::string pace;
  if (progress.waiting) {
    pace = "waits for another program that downloads it";
  } else if (rate > 0) {
    pace = fmt::format("{}/s  {} left", bytes_text(static_cast<std::uint64_t>(rate)),
                       duration_text(static_cast<double>(progress.total - progress.done) / rate));
  }
  write_stderr(fmt::format("\r{} {} of {}  {}  {}\x1b[K", bar_text(progress.done, progress.total),
                           bytes_text(progress.done), bytes_text(progress.total), printable(std::string(progress.file)),
                           pace));
}

std::string bytes_text(std::uint64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (number < 1e3) return fmt::format("{} B", bytes);
  if (number < 1e6) return fmt::format("{:.1f} kB", number / 1e3);
  return number < 1e9 ? fmt::format("{:.1f} MB", number / 1e6) : fmt::format("{:.2f} GB", number / 1e9);
}

}  // namespace fovea::cli
