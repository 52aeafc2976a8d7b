#include "base/json_text.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/text.hpp"

namespace fovea {
namespace {

template <typename Number>
std::string number(Number value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "null";
}

}  // namespace

std::string json_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : to_utf8(text)) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string json_number(double value) {
  return number(value);
}
std::string json_number(float value) {
  return number(value);
}

std::string json_array(const std::vector<std::string>& elements) {
  return fmt::format("[{}]", fmt::join(elements, ", "));
}

std::string JsonObject::line() const {
  std::string text;
  for (const auto& [key, json] : members_) text += fmt::format("{}\"{}\": {}", text.empty() ? "" : ", ", key, json);
  return "{" + text + "}";
}

std::string JsonObject::lines() const {
  std::string text;
  for (const auto& [key, json] : members_) text += fmt::format("{}\n  \"{}\": {}", text.empty() ? "" : ",", key, json);
  return "{" + text + "\n}\n";
}

}  // namespace fovea
