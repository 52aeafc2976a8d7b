#include "support/browser.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace fovea::test {
namespace {

using Json = nlohmann::json;

/// In seconds. It only keeps a broken test from running for ever: under sanitizers and beside other work minutes are
/// normal.
constexpr unsigned kTimeLimit = 1400;

/// Makes a pipe whose ends lie above the descriptors that the browser uses.
std::array<int, 2> make_pipe() {
  std::array<int, 2> low{};
  if (::pipe2(low.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  std::array<int, 2> high{};
  for (std::size_t i = 0; i < 2; ++i) {
    high[i] = ::fcntl(low[i], F_DUPFD_CLOEXEC, 10);
    ::close(low[i]);
  }
  return high;
}

/// RFC 4648, the form in which the protocol sends pictures.
std::vector<std::byte> from_base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::byte> bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = bits << 6U | static_cast<unsigned>(kDigits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::byte>(bits >> static_cast<unsigned>(count) & 0xFFU));
  }
  return bytes;
}

bool is_local(const std::string& url) {
  return url.starts_with("file:") || url.starts_with("data:") || url.starts_with("about:") || url.starts_with("blob:");
}

}  // namespace

std::optional<std::filesystem::path> Browser::program() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path file = std::filesystem::path(folder) / "chromium";
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  return std::nullopt;
}

Browser::Browser() {
  const std::string program = Browser::program().value();
  const std::string profile = "--user-data-dir=" + profile_.path().string();
  const std::vector<const char*> arguments = {
      program.c_str(),           "--headless",        "--no-sandbox",   "--disable-gpu",
      "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
      "--remote-debugging-pipe", profile.c_str(),     "about:blank",    nullptr};
  const auto to_browser = make_pipe();
  const auto from_browser = make_pipe();
  std::signal(SIGPIPE, SIG_IGN);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) {
    const int nowhere = ::open("/dev/null", O_RDWR);
    ::dup2(nowhere, 1);
    ::dup2(nowhere, 2);
    ::dup2(to_browser[0], 3);  // where --remote-debugging-pipe reads and writes
    ::dup2(from_browser[1], 4);
    ::alarm(kTimeLimit);
    ::execv(program.c_str(), const_cast<char* const*>(arguments.data()));
    ::_exit(127);
  }
  ::close(to_browser[0]);
  ::close(from_browser[1]);
  commands_ = to_browser[1];
  replies_ = from_browser[0];
  const Json target = call("Target.createTarget", {{"url", "about:blank"}});
  session_ = call("Target.attachToTarget", {{"targetId", target.at("targetId")}, {"flatten", true}}).at("sessionId");
  for (const char* domain : {"Page", "Runtime", "Log", "Network"}) call(std::string(domain) + ".enable");
}

Browser::~Browser() {
  ::close(commands_);  // the browser ends when its pipe is closed
  ::close(replies_);
  int status = 0;
  for (int tenth = 0; tenth < 50 && ::waitpid(pid_, &status, WNOHANG) == 0; ++tenth) ::usleep(100'000);
  if (::kill(pid_, 0) == 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status, 0);
  }
}

Json Browser::receive() {
  std::size_t end = 0;
  while ((end = unread_.find('\0')) == std::string::npos) {
    std::array<char, 65536> chunk{};
    const ssize_t got = ::read(replies_, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw std::runtime_error("the browser has gone");
    unread_.append(chunk.data(), static_cast<std::size_t>(got));
  }
  Json message = Json::parse(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(end));
  unread_.erase(0, end + 1);
  return message;
}

void Browser::note(const Json& event) {
  const std::string method = event.value("method", "");
  const Json parameters = event.value("params", Json::object());
  if (method == "Page.loadEventFired") ++loads_;
  if (method == "Runtime.exceptionThrown" || method == "Runtime.consoleAPICalled" || method == "Log.entryAdded") {
    complaints_.push_back(method + ": " + parameters.dump());
  }
  if (method == "Network.requestWillBeSent" && !is_local(parameters.at("request").at("url"))) {
    complaints_.push_back("request: " + parameters.at("request").at("url").get<std::string>());
  }
}

Json Browser::call(const std::string& method, const Json& parameters) {
  Json message{{"id", ++last_id_}, {"method", method}, {"params", parameters}};
  if (!session_.empty()) message["sessionId"] = session_;
  const std::string text = message.dump() + '\0';
  if (::write(commands_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("the browser does not listen");
  }
  while (true) {
    Json reply = receive();
    if (reply.value("id", 0) != last_id_) {
      note(reply);
      continue;
    }
    if (reply.contains("error")) throw std::runtime_error(method + ": " + reply.at("error").dump());
    return reply.at("result");
  }
}

void Browser::set_window(int width, int height, bool phone) {
  call("Emulation.setDeviceMetricsOverride",
       {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", phone}});
}

void Browser::prefer(const std::string& scheme) {
  const Json feature{{"name", "prefers-color-scheme"}, {"value", scheme}};
  call("Emulation.setEmulatedMedia", {{"features", Json::array({feature})}});
}

void Browser::open(const std::filesystem::path& page, const std::string& fragment) {
  for (const std::string& url : {std::string("about:blank"), "file://" + page.string() + "#" + fragment}) {
    const std::size_t before = loads_;
    call("Page.navigate", {{"url", url}});
    while (loads_ == before) note(receive());
  }
}

Json Browser::evaluate(const std::string& expression) {
  const Json reply =
      call("Runtime.evaluate", {{"expression", expression}, {"awaitPromise", true}, {"returnByValue", true}});
  EXPECT_FALSE(reply.contains("exceptionDetails")) << expression << "\n" << reply.dump();
  return reply.at("result").value("value", Json());
}

void Browser::mouse(const std::string& type, double x, double y) {
  const bool button = type != "mouseMoved";
  call("Input.dispatchMouseEvent",
       {{"type", type}, {"x", x}, {"y", y}, {"button", button ? "left" : "none"}, {"clickCount", button ? 1 : 0}});
}

void Browser::move_mouse(double x, double y) {
  mouse("mouseMoved", x, y);
}

void Browser::click(double x, double y) {
  for (const char* type : {"mouseMoved", "mousePressed", "mouseReleased"}) mouse(type, x, y);
}

void Browser::press(const std::string& key) {
  Json down{{"type", "keyDown"}, {"key", key}};
  if (key.size() == 1) down["text"] = key;
  call("Input.dispatchKeyEvent", down);
  call("Input.dispatchKeyEvent", {{"type", "keyUp"}, {"key", key}});
}

std::vector<std::byte> Browser::screenshot() {
  return from_base64(call("Page.captureScreenshot").at("data").get<std::string>());
}

std::vector<std::string> Browser::complaints() {
  (void)evaluate("1");  // reads all events that were sent before
  return complaints_;
}

}  // namespace fovea::test
