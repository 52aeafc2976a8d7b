// A JSON file of a model, read value by value with a sentence for whatever is wrong with it.
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

/// The values of one file. Everything that is absent or null is nullopt; everything of a wrong type is an Error of
/// kCheckpoint that names the file, the key, what it holds and what was expected.
class ConfigReader {
 public:
  /// @param file    for messages
  /// @param name    the file's name without its folder
  /// @param text    what it holds
  /// @throws Error  kCheckpoint if that is no JSON object.
  ConfigReader(std::string file, std::string name, std::string_view text);

  [[noreturn]] void fail(std::string_view thing, std::string_view actual, std::string_view expected) const;

  [[nodiscard]] const nlohmann::json& root() const noexcept { return root_; }
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
  /// Three numbers, as the references read them: the decimal number to double, the double to float.
  [[nodiscard]] std::optional<std::array<float, 3>> rgb(const nlohmann::json& parent, const char* key) const;

  /// One of a table's names, or `absent`.
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
  /// What lies under `key`; nullptr where nothing does, or null.
  [[nodiscard]] static const nlohmann::json* find(const nlohmann::json& parent, const char* key);

  std::string file_;  // printable, as messages name it
  std::string file_name_;
  nlohmann::json root_;
};

}  // namespace fovea
