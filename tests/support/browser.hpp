// A real browser, led through Chromium's DevTools protocol: what a page shows, and what it complains about.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "support/temp_folder.hpp"

namespace fovea::test {

class Browser {
 public:
  /// Chromium in PATH; none where it is not installed.
  [[nodiscard]] static std::optional<std::filesystem::path> program();

  /// Without a window. Ends by itself after two minutes, so that a test cannot hang.
  Browser();
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  void set_window(int width, int height, bool phone = false);
  /// "light" or "dark", as a system prefers it.
  void prefer(const std::string& scheme);
  /// Waits until it is loaded.
  /// @param fragment  behind #; may be empty
  void open(const std::filesystem::path& page, const std::string& fragment = "");
  /// The value of an expression; of a promise, what it comes to. An exception fails the test.
  nlohmann::json evaluate(const std::string& expression);
  void move_mouse(double x, double y);
  void click(double x, double y);
  /// As KeyboardEvent.key names it.
  void press(const std::string& key);
  [[nodiscard]] std::vector<std::byte> screenshot();  // PNG

  /// Everything since the start that a page should not do: console messages, exceptions, blocked or remote requests.
  [[nodiscard]] std::vector<std::string> complaints();

 private:
  nlohmann::json call(const std::string& method, const nlohmann::json& parameters = nlohmann::json::object());
  nlohmann::json receive();
  void note(const nlohmann::json& event);
  void mouse(const std::string& type, double x, double y);

  TempFolder profile_;
  pid_t pid_ = -1;
  int commands_ = -1;
  int replies_ = -1;
  std::string unread_;
  int last_id_ = 0;
  std::string session_;
  std::size_t loads_ = 0;
  std::vector<std::string> complaints_;
};

}  // namespace fovea::test

/// Skips the test, visibly, where there is no browser.
#define FOVEA_NEEDS_BROWSER() \
  if (!fovea::test::Browser::program()) GTEST_SKIP() << "no chromium in PATH; Debian's package is called chromium"
