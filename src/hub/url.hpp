// The addresses that are asked, in the one shape in which it is certain where they lead.
#pragma once

#include <string>
#include <string_view>

namespace fovea {

struct Url {
  std::string origin;  // "https://host:port" in lower case: two that are equal are one server
  std::string path;    // with the query, from its slash on; may be empty

  [[nodiscard]] std::string text() const { return origin + path; }
  [[nodiscard]] bool is_secure() const { return origin.starts_with("https://"); }
  /// This machine: localhost, 127.x.x.x or [::1].
  [[nodiscard]] bool is_loopback() const;
};

/// @param what     for the message: "HF_ENDPOINT", "a redirect of https://…"
/// @throws Error   kUsage for what is not http or https, has a user name or a password, or characters that no URL has.
[[nodiscard]] Url parse_url(std::string_view text, std::string_view what);
/// Where a Location or a link leads that stands in an answer of `base`.
/// @throws Error   as parse_url().
[[nodiscard]] Url resolve_url(const Url& base, std::string_view location);

/// As a part of a path: all but letters, digits and "-._~" become %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text, bool keep_slashes);

}  // namespace fovea
