// How far a download is: one line of a terminal's standard error, which is erased at the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "fovea/hub.hpp"

namespace fovea::cli {

class DownloadBar {
 public:
  DownloadBar() = default;
  ~DownloadBar();
  DownloadBar(const DownloadBar&) = delete;
  DownloadBar& operator=(const DownloadBar&) = delete;
  /// Draws at most ten times a second.
  void show(const HubProgress& progress);

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin_;
  Clock::time_point last_;
  std::uint64_t before_ = 0;  // bytes that were there at the beginning
  bool drawn_ = false;
};

/// "12.3 kB", "346 MB", "1.20 GB"
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}  // namespace fovea::cli
