#include "cli/options/hub_options.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/files.hpp"
#include "cli/terminal/download_bar.hpp"
#include "fovea/error.hpp"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

/// Empty where it is not set.
std::string set_in_environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::string() : std::string(value);
}

/// "1", "on", "yes" and "true" are the library's words for it.
bool is_on(const std::string& name) {
  std::string value = set_in_environment(name);
  std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return std::toupper(c); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

bool is_part_of_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// With ~ at its beginning and $NAME or ${NAME} anywhere replaced, where these are set.
fs::path expanded(std::string text) {
  const std::string home = set_in_environment("HOME");
  if (!home.empty() && (text == "~" || text.starts_with("~/"))) text.replace(0, 1, home);
  for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 1)) {
    const bool braces = text.compare(at + 1, 1, "{") == 0;
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(at + (braces ? 2 : 1));
    const auto end = std::find_if_not(begin, text.end(), is_part_of_name);
    if (braces && (end == text.end() || *end != '}')) continue;
    const std::string value = set_in_environment({begin, end});
    if (value.empty()) continue;
    text.replace(text.begin() + static_cast<std::ptrdiff_t>(at), braces ? end + 1 : end, value);
    at += value.size() - 1;
  }
  return text;
}

/// Empty if there is no home.
fs::path hub_home() {
  if (const std::string home = set_in_environment("HF_HOME"); !home.empty()) return expanded(home);
  if (const std::string cache = set_in_environment("XDG_CACHE_HOME"); !cache.empty()) {
    return expanded(cache) / "huggingface";
  }
  return set_in_environment("HOME").empty() ? fs::path() : expanded("~") / ".cache" / "huggingface";
}

/// Without the line's end that a file has, and that a variable may have got.
std::string trimmed(std::string text) {
  const auto is_space = [](unsigned char c) { return std::isspace(c) != 0; };
  text.erase(std::find_if_not(text.rbegin(), text.rend(), is_space).base(), text.end());
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  return text;
}

std::string token() {
  if (is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return {};
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (std::string value = trimmed(set_in_environment(name)); !value.empty()) return value;
  }
  const std::string named = set_in_environment("HF_TOKEN_PATH");
  const fs::path file = named.empty() ? hub_home() / "token" : expanded(named);
  std::error_code failed;
  return fs::is_regular_file(file, failed) ? trimmed(read_text_file(file)) : std::string();
}

std::chrono::seconds timeout() {
  constexpr const char* kName = "HF_HUB_DOWNLOAD_TIMEOUT";
  const std::string text = set_in_environment(kName);
  if (text.empty()) return HubOptions{}.timeout;
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size() && seconds > 0) return std::chrono::seconds(seconds);
  throw Error(ErrorCode::kUsage,
              fmt::format("{} is '{}', expected a whole number of seconds from 1", kName, printable(text)));
}

}  // namespace

fs::path hub_cache() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string cache = set_in_environment(name); !cache.empty()) return expanded(cache);
  }
  const fs::path home = hub_home();
  return home.empty() ? home : home / "hub";
}

HubOptions hub_options(bool quiet) {
  HubOptions options;
  options.cache = hub_cache();
  if (options.cache.empty()) {
    throw Error(ErrorCode::kUsage, "there is no home folder for models, because HOME is not set",
                "HF_HOME names a folder for what is downloaded");
  }
  if (std::string endpoint = set_in_environment("HF_ENDPOINT"); !endpoint.empty())
    options.endpoint = std::move(endpoint);
  options.token = token();
  options.offline = is_on("HF_HUB_OFFLINE") || is_on("TRANSFORMERS_OFFLINE");
  options.symlinks = !is_on("HF_HUB_DISABLE_SYMLINKS");
  options.certificates = set_in_environment("SSL_CERT_FILE");
  options.timeout = timeout();
  const bool shown = !quiet && !is_on("HF_HUB_DISABLE_PROGRESS_BARS") && ::isatty(STDERR_FILENO) != 0;
  if (shown) {
    options.on_progress = [bar = std::make_shared<DownloadBar>()](const HubProgress& progress) { bar->show(progress); };
  }
  return options;
}

}  // namespace fovea::cli
