#include "model/keys/config_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::size_t kMostShown = 60;  // bytes of a value

std::string shown(const json& value) {
  const std::string text = to_utf8(value.dump(-1, ' ', true));
  return text.size() <= kMostShown ? text : text.substr(0, kMostShown) + "...";
}

[[noreturn]] void refuse(const ConfigReader& reader, const std::string& key, const std::string& what) {
  throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {} {}", reader.file(), key, what),
              fmt::format("if it means nothing for this model, --ignore-config {} ignores it", key));
}

}  // namespace

void check_keys(const ConfigReader& reader, const json& object, std::string_view where,
                std::initializer_list<std::span<const KeyRule>> tables) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_null()) continue;
    const KeyRule* rule = nullptr;
    std::string known;
    for (const std::span<const KeyRule> table : tables) {
      for (const KeyRule& candidate : table) {
        if (candidate.key == key) rule = &candidate;
        if (candidate.use == KeyUse::kHarmless) continue;  // nobody looks for these
        known += (known.empty() ? "" : ", ") + std::string(candidate.key);
      }
    }
    const std::string dotted = fmt::format("{}{}", where, to_utf8(key));
    if (rule == nullptr) {
      refuse(reader, dotted, fmt::format("is {}, which fovea does not know; expected one of {}", shown(value), known));
    }
    if (rule->use != KeyUse::kOnly) continue;
    const json accepted = json::parse(rule->note);
    if (std::find(accepted.begin(), accepted.end(), value) != accepted.end()) continue;
    refuse(reader, dotted,
           fmt::format("is {}, expected {}: no other is computed", shown(value),
                       accepted.empty() ? "none" : fmt::format("one of {}", accepted.dump())));
  }
}

}  // namespace fovea
