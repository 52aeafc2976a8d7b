// Standard error: messages, and a progress bar if it is a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fovea::cli {

/// Decides by --color, then NO_COLOR, then TERM=dumb.
[[nodiscard]] bool use_color(std::string_view choice, int descriptor);

/// Without an error: there is no place left to report a failure to.
void write_stderr(const std::string& text);
/// "[######..................]", full where `total` is 0.
[[nodiscard]] std::string bar_text(std::uint64_t done, std::uint64_t total);

class Messages {
 public:
  explicit Messages(bool color) : color_(color) {}
  /// Prints `fovea: error: cat.jpg: ...` and, if there is a hint, `hint: ...` below it.
  void error(std::string_view message, std::string_view hint = {}) const;
  void warning(std::string_view message, std::string_view hint = {}) const;
  void note(std::string_view message) const;

 private:
  void say(std::string_view kind, std::string_view style, std::string_view message, std::string_view hint) const;
  bool color_;
};

/// Shows count, rate and remaining time on one line of standard error, and erases the line at the end.
class Progress {
 public:
  Progress(std::size_t total, bool shown);
  ~Progress() { erase(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Counts one more as done. Draws at most ten times a second.
  void step();
  /// Call this before anything else is written to the terminal.
  void erase();

 private:
  void draw();

  using Clock = std::chrono::steady_clock;
  std::size_t total_;
  std::size_t done_ = 0;
  bool shown_;
  bool drawn_ = false;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_;
};

/// "12 s", "3 min 05 s", "2 h 10 min"
[[nodiscard]] std::string duration_text(double seconds);

}  // namespace fovea::cli
