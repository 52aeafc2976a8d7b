// JSON text for what is written and never read back: keys stand in the order of adding. Records, which are read back,
// go through nlohmann-json in report/.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fovea {

/// With quotes; control characters are escaped, and bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_quoted(std::string_view text);
/// The shortest text that reads back as the same number; null for NaN and infinities, which JSON lacks.
[[nodiscard]] std::string json_number(double value);
[[nodiscard]] std::string json_number(float value);
/// "[1, 2]" from elements that are JSON already.
[[nodiscard]] std::string json_array(const std::vector<std::string>& elements);

class JsonObject {
 public:
  JsonObject& add(std::string_view key, std::string_view text) { return add_raw(key, json_quoted(text)); }
  JsonObject& add(std::string_view key, const char* text) { return add_raw(key, json_quoted(text)); }
  JsonObject& add(std::string_view key, std::integral auto value) {
    if constexpr (std::same_as<decltype(value), bool>) return add_raw(key, value ? "true" : "false");
    return add_raw(key, std::to_string(value));
  }
  JsonObject& add(std::string_view key, std::floating_point auto value) { return add_raw(key, json_number(value)); }
  JsonObject& add(std::string_view key, const JsonObject& object) { return add_raw(key, object.line()); }
  /// `json` must already be JSON.
  JsonObject& add_raw(std::string_view key, std::string json) {
    members_.emplace_back(key, std::move(json));
    return *this;
  }
  /// The object on one line.
  [[nodiscard]] std::string line() const;
  /// The object with one member a line.
  [[nodiscard]] std::string lines() const;

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

}  // namespace fovea
