// A real browser, driven through Chromium's DevTools protocol: it shows a page and collects the page's complaints.
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
  /// The path of Chromium in PATH; none if it is not installed.
  [[nodiscard]] static std::optional<std::filesystem::path> program();

  /// Starts the browser without a window. It ends by itself after a time limit, so that a test cannot hang.
  Browser();
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  void set_window(int width, int height, bool phone = false);
  /// Sets the preferred colour scheme, "light" or "dark".
  void prefer(const std::string& scheme);
  /// Opens a page and waits until it is loaded.
  /// @param fragment  the part after #; may be empty
  void open(const std::filesystem::path& page, const std::string& fragment = "");
  /// The value of an expression; a promise is awaited. An exception fails the test.
  nlohmann::json evaluate(const std::string& expression);
  void move_mouse(double x, double y);
  void click(double x, double y);
  /// Presses a key, named as in KeyboardEvent.key.
  void press(const std::string& key);
  [[nodiscard]] std::vector<std::byte> screenshot();  // PNG

  /// Everything since the start that a page should not cause: console messages, exceptions, blocked or remote requests.
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

/// Skips the test, visibly, if there is no browser.
#define FOVEA_NEEDS_BROWSER() \
  if (!fovea::test::Browser::program()) GTEST_SKIP() << "no chromium in PATH; Debian's package is called chromium"
