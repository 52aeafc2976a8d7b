// GET requests: where they may lead, and what they may carry there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "fovea/hub.hpp"
#include "hub/url.hpp"

namespace fovea {

struct HttpAnswer {
  int status = 0;
  Url url;                                  // that was asked
  std::map<std::string, std::string> head;  // names in lower case

  /// Empty if there is none.
  [[nodiscard]] std::string_view value(const std::string& name) const;
  [[nodiscard]] bool is_redirect() const { return status >= 300 && status < 400 && !value("location").empty(); }
  [[nodiscard]] bool has_body() const { return status == 200 || status == 206; }
};

/// What takes the answer of a request. Both may throw, which ends the request.
class HttpReceiver {
 public:
  virtual ~HttpReceiver() = default;
  /// A redirect, or an answer with a body, before its first byte.
  virtual void begin(const HttpAnswer& answer) = 0;
  virtual void take(std::span<const std::byte> bytes) = 0;
};

/// The rest of a file.
struct HttpRange {
  std::uint64_t begin = 0;  // bytes that are there
  std::string validator;    // the ETag, with its quotes, under which they came; empty if it is not known
  std::string origin;       // of the server that gave it
};

/// What may be over in a moment: no connection, an answer that was cut short, a server that is busy.
struct PassingFailure : std::runtime_error {
  explicit PassingFailure(const std::string& message, bool reached_server = true)
      : std::runtime_error(message), reached(reached_server) {}
  bool reached;
  std::optional<std::chrono::seconds> wait = {};  // Retry-After
};

class HttpClient {
 public:
  /// @throws Error  kUsage for an endpoint or a token that cannot be one; kUnreadable for plain http to another
  /// machine.
  explicit HttpClient(const HubOptions& options);

  /// The endpoint with a path below it.
  [[nodiscard]] Url address(std::string_view path) const;
  [[nodiscard]] bool is_endpoint(const Url& url) const { return url.origin == endpoint_.origin; }
  [[nodiscard]] bool has_token() const { return !options_.token.empty(); }

  /// Follows redirects; each request carries the token to the endpoint's own origin alone.
  /// @return         the last answer, whose body the receiver has, unless its status says otherwise
  /// @throws PassingFailure
  /// @throws Error   kUnreadable for what another try cannot mend; kBackend where libcurl is missing
  /// @throws Interrupted
  HttpAnswer get(const Url& url, const HttpRange& range, HttpReceiver& receiver) const;

 private:
  void require_allowed(const Url& url) const;
  HttpAnswer request(const Url& url, const HttpRange& range, HttpReceiver& receiver) const;

  HubOptions options_;
  Url endpoint_;
};

/// Tries again, up to five times without progress; twice where no server was ever reached, as there may be no network.
class Retries {
 public:
  Retries(std::string what, std::chrono::milliseconds pause, bool reached)
      : what_(std::move(what)), pause_(pause), reached_(reached) {}
  void progressed() noexcept { failures_ = 0; }
  /// Waits: as long as the server says, or twice as long as the last time.
  /// @throws Error  kUnreadable after the last try, and where the server wants more patience than two minutes.
  /// @throws Interrupted
  void after(const PassingFailure& failure);

 private:
  std::string what_;
  std::chrono::milliseconds pause_;
  bool reached_;
  int failures_ = 0;
};

}  // namespace fovea
