// Standard error: messages, and a progress bar where somebody looks.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace fovea::cli {

/// --color, NO_COLOR and TERM=dumb, in this order.
[[nodiscard]] bool use_color(std::string_view choice, int descriptor);

class Messages {
 public:
  explicit Messages(bool color) : color_(color) {}
  /// `fovea: error: cat.jpg: ...` and, if there is one, `hint: ...` below it.
  void error(std::string_view message, std::string_view hint = {}) const;
  void warning(std::string_view message, std::string_view hint = {}) const;
  void note(std::string_view message) const;

 private:
  void say(std::string_view kind, std::string_view style, std::string_view message, std::string_view hint) const;
  bool color_;
};

/// Count, rate and time left on one line of standard error that is erased at the end.
class Progress {
 public:
  Progress(std::size_t total, bool shown);
  ~Progress() { erase(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// One more is done. At most ten lines a second are drawn.
  void step();
  /// Before something else is written to the terminal.
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
