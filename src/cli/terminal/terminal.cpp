#include "cli/terminal/terminal.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "cli/terminal/output_stream.hpp"

namespace fovea::cli {

void write_stderr(const std::string& text) {
  static_cast<void>(write_all(STDERR_FILENO, text));
}

std::string bar_text(std::uint64_t done, std::uint64_t total) {
  constexpr std::uint64_t kWidth = 24;  // characters
  const std::uint64_t filled = total == 0 ? kWidth : kWidth * std::min(done, total) / total;
  std::string bar(filled, '#');
  bar.resize(kWidth, '.');
  return "[" + bar + "]";
}

bool use_color(std::string_view choice, int descriptor) {
  if (choice != "auto") return choice == "always";
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  if (term == nullptr || std::string_view(term) == "dumb") return false;
  return ::isatty(descriptor) != 0;
}

void Messages::say(std::string_view kind, std::string_view style, std::string_view message,
                   std::string_view hint) const {
  const std::string_view off = color_ ? "\x1b[0m" : "";
  std::string text = fmt::format("fovea: {}{}{}{}\n", color_ ? style : "", kind, off, message);
  if (!hint.empty()) text += fmt::format("{}hint:{} {}\n", color_ ? "\x1b[36m" : "", off, hint);
  write_stderr(text);
}

void Messages::error(std::string_view message, std::string_view hint) const {
  say("error: ", "\x1b[1;31m", message, hint);
}

void Messages::warning(std::string_view message, std::string_view hint) const {
  say("warning: ", "\x1b[1;33m", message, hint);
}

void Messages::note(std::string_view message) const {
  say("", "", message, {});
}

Progress::Progress(std::size_t total, bool shown) : total_(total), shown_(shown && ::isatty(STDERR_FILENO) != 0) {}

void Progress::step() {
  ++done_;
  if (shown_ && (done_ == 1 || Clock::now() - last_ > std::chrono::milliseconds(100))) draw();
}

void Progress::erase() {
  if (!drawn_) return;
  write_stderr("\r\x1b[K");
  drawn_ = false;
  last_ = {};  // so that the next step draws it again
}

void Progress::draw() {
  last_ = Clock::now();
  const double seconds = std::chrono::duration<double>(last_ - begin_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0;
  write_stderr(fmt::format("\r{} {}/{}  {:.1f} images/s  {} left\x1b[K", bar_text(done_, total_), done_, total_, rate,
                           duration_text(left)));
  drawn_ = true;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

}  // namespace fovea::cli
