#include "hub/http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "base/process/interrupt.hpp"
#include "base/process/module_libraries.hpp"
#include "base/process/modules.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"
#include "fovea/version.hpp"
#include "hub/module/http_interface.hpp"

namespace fovea {
namespace {

constexpr int kMostRedirects = 10;
constexpr int kMostFailures = 5;
constexpr int kMostFailuresAlone = 2;
constexpr std::chrono::seconds kMostPatience{120};
constexpr std::size_t kMostIgnoredBytes = std::size_t{1} << 16U;  // of a body that nobody reads

FoveaHttpFunction* http_function() {
  return reinterpret_cast<FoveaHttpFunction*>(
      module_function("fovea_curl.so", FOVEA_MODULE_HTTP_NAME,
                      library_hint("a model that was downloaded otherwise is given by its folder, -m FOLDER; downloads are made by",
                                   kCurlLibrary, kBuiltOn)));
}

bool means_try_again(int status) {
  constexpr std::array kBusy{408, 425, 429, 500, 502, 503, 504};
  return std::find(kBusy.begin(), kBusy.end(), status) != kBusy.end();
}

std::optional<std::chrono::seconds> retry_after(const HttpAnswer& answer) {
  const std::string_view text = answer.value("retry-after");
  long seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = error == std::errc() && end == text.data() + text.size() && seconds >= 0;
  return whole ? std::optional(std::chrono::seconds(seconds)) : std::nullopt;
}

/// One request under way; what its functions throw waits here until the module has returned.
struct Exchange {
  HttpAnswer answer;
  HttpReceiver* receiver;
  std::size_t ignored = 0;
  bool begun = false;  // lines behind a body are no head
  bool heard_enough = false;
  std::exception_ptr failure;

  template <typename Action>
  int guarded(const Action& action) noexcept {
    try {
      return action() ? 1 : 0;
    } catch (...) {
      failure = std::current_exception();
      return 0;
    }
  }
  bool head(std::string_view line) {
    if (line.starts_with("HTTP/")) {
      const std::size_t space = std::min(line.find(' '), line.size() - 1);
      answer.head.clear();
      answer.status = 0;
      std::from_chars(line.data() + space + 1, line.data() + line.size(), answer.status);
    } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      answer.head[to_lower(line.substr(0, colon))] = value;
    } else if (line.empty() && !begun && (answer.has_body() || answer.is_redirect())) {
      begun = true;
      receiver->begin(answer);
    }
    return true;
  }
  bool body(std::span<const std::byte> bytes) {
    if (answer.has_body()) {
      receiver->take(bytes);
    } else {
      ignored += bytes.size();
      heard_enough = ignored > kMostIgnoredBytes;
    }
    return !heard_enough;
  }
};

int on_head(void* context, const char* line, std::size_t size) {
  auto& exchange = *static_cast<Exchange*>(context);
  return exchange.guarded([&] { return exchange.head({line, size}); });
}
int on_body(void* context, const unsigned char* bytes, std::size_t size) {
  auto& exchange = *static_cast<Exchange*>(context);
  return exchange.guarded([&] { return exchange.body({reinterpret_cast<const std::byte*>(bytes), size}); });
}
int on_wait(void* /*context*/) {
  return interrupt_requested() ? 0 : 1;
}

/// Nothing that could end the line of a request's head.
void require_plain(const std::string& token) {
  const bool plain = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7F'; });
  if (plain && token.size() <= 4096) return;
  throw Error(ErrorCode::kUsage, "the hub's token has spaces, line ends or other characters, expected one word",
              "HF_TOKEN has it, or the file that HF_TOKEN_PATH names");
}

}  // namespace

std::string_view HttpAnswer::value(const std::string& name) const {
  const auto found = head.find(name);
  return found == head.end() ? std::string_view() : found->second;
}

HttpClient::HttpClient(const HubOptions& options)
    : options_(options), endpoint_(parse_url(options.endpoint, "the hub's endpoint")) {
  while (endpoint_.path.ends_with('/')) endpoint_.path.pop_back();
  require_plain(options.token);
  require_allowed(endpoint_);
}

Url HttpClient::address(std::string_view path) const {
  return {endpoint_.origin, endpoint_.path + std::string(path)};
}

/// Plain http can be read and changed on its way, and so stays within this machine. No other server may send a request
/// into it.
void HttpClient::require_allowed(const Url& url) const {
  if (url.is_secure()) return;
  const bool same_kind = url.is_loopback() ? endpoint_.is_loopback() : options_.insecure;
  if (same_kind && !endpoint_.is_secure()) return;
  throw Error(ErrorCode::kUnreadable,
              fmt::format("{}: is plain http{}, expected https", url.origin,
                          is_endpoint(url) ? "" : fmt::format(", where {} leads", endpoint_.origin)),
              url.is_loopback() || endpoint_.is_secure() ? "the hub is damaged or not what it says"
                                                         : "`fovea pull --insecure` goes there, without the token");
}

HttpAnswer HttpClient::request(const Url& url, const HttpRange& range, HttpReceiver& receiver) const {
  std::vector<std::string> headers{"Accept-Encoding: identity", fmt::format("User-Agent: fovea/{}", FOVEA_VERSION)};
  if (has_token() && is_endpoint(url) && (url.is_secure() || url.is_loopback())) {
    headers.push_back("Authorization: Bearer " + options_.token);
  }
  if (range.begin > 0) headers.push_back(fmt::format("Range: bytes={}-", range.begin));
  if (range.begin > 0 && !range.validator.empty() && range.origin == url.origin) {
    headers.push_back("If-Range: " + range.validator);
  }
  std::vector<const char*> lines;
  lines.reserve(headers.size() + 1);
  for (const std::string& header : headers) lines.push_back(header.c_str());
  lines.push_back(nullptr);
  const std::string text = url.text();
  Exchange exchange{{0, url, {}}, &receiver, 0, false, false, {}};
  std::array<char, 300> message{};
  const FoveaHttpRequest call{text.c_str(),
                              lines.data(),
                              options_.certificates.empty() ? nullptr : options_.certificates.c_str(),
                              url.is_loopback() ? 1 : 0,
                              static_cast<long>(options_.timeout.count()),
                              on_head,
                              on_body,
                              on_wait,
                              &exchange,
                              message.data(),
                              message.size()};
  const int status = http_function()(&call);
  if (exchange.failure) std::rethrow_exception(exchange.failure);
  stop_if_interrupted();
  if (status == kFoveaHttpAlone) throw PassingFailure(fmt::format("{}: {}", url.origin, message.data()), false);
  if (status == kFoveaHttpFailed) throw PassingFailure(fmt::format("{}: {}", url.origin, message.data()));
  if (status == kFoveaHttpRefused) {
    throw Error(ErrorCode::kUnreadable, fmt::format("{}: {}", url.origin, printable(std::string(message.data()))),
                "SSL_CERT_FILE names a file of authorities to trust, https_proxy a proxy");
  }
  if (means_try_again(exchange.answer.status)) {
    PassingFailure busy(fmt::format("{} answers {}", url.origin, exchange.answer.status));
    busy.wait = retry_after(exchange.answer);
    throw busy;
  }
  return std::move(exchange.answer);
}

HttpAnswer HttpClient::get(const Url& url, const HttpRange& range, HttpReceiver& receiver) const {
  Url next = url;
  for (int i = 0; i <= kMostRedirects; ++i) {
    require_allowed(next);
    HttpAnswer answer = request(next, range, receiver);
    if (!answer.is_redirect()) return answer;
    try {
      next = resolve_url(next, answer.value("location"));
    } catch (const Error& error) {
      throw Error(ErrorCode::kUnreadable, error.what(), "the hub is damaged or not what it says");
    }
  }
  throw Error(ErrorCode::kUnreadable, fmt::format("{}: redirects more than {} times", url.origin, kMostRedirects),
              "the hub is damaged or not what it says");
}

void Retries::after(const PassingFailure& failure) {
  ++failures_;
  reached_ |= failure.reached;
  const std::string reason = printable(std::string(failure.what()));
  if (failure.wait.value_or(std::chrono::seconds(0)) > kMostPatience) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: {}, and asks to wait for {} s", what_, reason, failure.wait->count()),
                "try it again then; a token (HF_TOKEN) may have a higher limit");
  }
  if (failures_ > (reached_ ? kMostFailures : kMostFailuresAlone)) {
    throw Error(ErrorCode::kUnreadable, fmt::format("{}: {} ({} tries)", what_, reason, failures_),
                "the same command goes on from what is there; HF_HUB_OFFLINE=1 takes what the cache has");
  }
  const auto pause = failure.wait ? std::chrono::milliseconds(*failure.wait) : pause_ * (1 << (failures_ - 1));
  const auto end = std::chrono::steady_clock::now() + pause;
  constexpr std::chrono::milliseconds kGlance{50};
  while (std::chrono::steady_clock::now() < end) {
    stop_if_interrupted();
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(kGlance, end - std::chrono::steady_clock::now()));
  }
}

}  // namespace fovea
