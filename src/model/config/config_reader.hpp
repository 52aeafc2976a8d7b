// Reads a model's JSON file value by value and reports precisely what is wrong with it.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "fovea/image.hpp"

namespace fovea {

/// The values of one file. A value that is absent or null is nullopt. A value of the wrong type throws Error
/// kCheckpoint, which names the file, the key, the actual value and the expected one.
class ConfigReader {
 public:
  /// @param file    for messages
  /// @param name    the file's name without its folder
  /// @param text    the file's contents
  /// @throws Error  kCheckpoint if the text is not a JSON object.
  ConfigReader(std::string file, std::string name, std::string_view text);

  [[noreturn]] void fail(std::string_view thing, std::string_view actual, std::string_view expected) const;

  /// Reads past a key from now on, as if it were absent.
  /// @param dotted  "model_args.rope_offset"
  /// @return        whether it was there
  bool forget(std::string_view dotted);

  [[nodiscard]] const nlohmann::json& root() const noexcept { return root_; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] const std::string& file_name() const noexcept { return file_name_; }  // without its folder

  /// The object under `key`, or an empty one.
  [[nodiscard]] nlohmann::json object(const nlohmann::json& parent, const char* key) const;
  [[nodiscard]] std::optional<std::string> text(const nlohmann::json& parent, const char* key) const;
  [[nodiscard]] std::optional<bool> flag(const nlohmann::json& parent, const char* key) const;
  [[nodiscard]] std::optional<double> number(const nlohmann::json& parent, const char* key) const;
  /// A whole number, 0 to a million.
  [[nodiscard]] std::optional<std::size_t> count(const nlohmann::json& parent, const char* key) const;
  [[nodiscard]] std::size_t as_count(const nlohmann::json& value, const char* key) const;
  /// One number for both sides, [height, width] or [3, height, width].
  [[nodiscard]] Size as_size(const nlohmann::json& value, const char* key) const;
  /// Three numbers, converted as the references do: the decimal number to double, the double to float.
  [[nodiscard]] std::optional<std::array<float, 3>> rgb(const nlohmann::json& parent, const char* key) const;

  /// The value that a table gives for the name under `key`, or `absent` without such a key.
  template <typename Table>
  [[nodiscard]] auto choice(const nlohmann::json& parent, const char* key, const Table& table,
                            typename Table::value_type::second_type absent) const {
    const auto chosen = text(parent, key);
    if (!chosen) return absent;
    std::string known;
    for (const auto& [choice_name, value] : table) {
      if (*chosen == choice_name) return value;
      known += (known.empty() ? "" : ", ") + std::string(choice_name);
    }
    fail(key, fmt::format("'{}'", *chosen), "one of " + known);
  }

 private:
  /// The value under `key`; nullptr if there is none or it is null.
  [[nodiscard]] static const nlohmann::json* find(const nlohmann::json& parent, const char* key);

  std::string file_;  // printable, for messages
  std::string file_name_;
  nlohmann::json root_;
};

}  // namespace fovea
