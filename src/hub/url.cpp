#include "hub/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/files.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

bool is_letter_or_digit(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

/// "host", "host:8080", "[::1]:8080". No user name: what stands before an @ only looks like a host.
bool is_authority(std::string_view text) {
  std::size_t end = text.find(':');
  bool host = true;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view address = text.substr(1, close - 1);
    host = address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
    end = close + 1;
    if (end < text.size() && text[end] != ':') return false;
  } else {
    const std::string_view name = text.substr(0, end);
    host = !name.empty() &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; });
  }
  if (!host || end >= text.size()) return host;
  const std::string_view port = text.substr(end + 1);
  return !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
}

bool has_only_url_characters(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F' && c != '\\'; });
}

/// Without a port that is the scheme's own.
std::string origin_of(std::string_view scheme, std::string_view authority) {
  const std::string_view usual = scheme == "https://" ? ":443" : ":80";
  if (authority.ends_with(usual)) authority.remove_suffix(usual.size());
  return to_lower(fmt::format("{}{}", scheme, authority));
}

}  // namespace

bool Url::is_loopback() const {
  std::string_view host = std::string_view(origin).substr(origin.find("//") + 2);
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.find(':'));
  return host == "localhost" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

Url parse_url(std::string_view text, std::string_view what) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!to_lower(text.substr(0, scheme.size())).starts_with(scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    if (!is_authority(rest.substr(0, end)) || !has_only_url_characters(rest)) break;
    std::string path(rest.substr(end, rest.find('#') - end));
    if (path.starts_with('?')) path.insert(0, "/");
    return {origin_of(scheme, rest.substr(0, end)), std::move(path)};
  }
  throw Error(ErrorCode::kUsage,
              fmt::format("{} is '{}', expected an address such as https://host or https://host:8443/path", what,
                          printable(std::string(text.substr(0, 200)))));
}

Url resolve_url(const Url& base, std::string_view location) {
  const std::string what = "an address that " + base.origin + " answers with";
  if (location.starts_with("//")) {
    return parse_url(base.origin.substr(0, base.origin.find("//")).append(location), what);
  }
  if (location.starts_with('/')) return parse_url(base.origin + std::string(location), what);
  return parse_url(location, what);
}

std::string percent_encoded(std::string_view text, bool keep_slashes) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain || (keep_slashes && c == '/')) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace fovea
