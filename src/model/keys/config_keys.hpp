// A closed world: each key that a library's configuration may have, and what becomes of it here.
#pragma once

#include <span>
#include <string_view>

#include "model/config/config_reader.hpp"

namespace fovea {

enum class KeyUse {
  kObeyed,    // read here, or revealed by the tensors, which must agree
  kHarmless,  // nothing that is computed for a picture depends on it: `note` says why
  kOnly,      // one behaviour is computed: `note` is a JSON array of the values that mean it; null means it, too
};

struct KeyRule {
  std::string_view key;
  KeyUse use = KeyUse::kObeyed;
  std::string_view note = {};
  std::string_view none = {};  // of timm's arguments: the JSON that means what None does; empty: its constructor fails
};

/// Compares the keys of an object with those that its library's code reads.
/// @param where    what stands before a key in messages: "model_args.", or empty
/// @param tables   all that are allowed
/// @throws Error   kCheckpoint for a key that no table lists, and for a value of kOnly that is not in its note.
void check_keys(const ConfigReader& reader, const nlohmann::json& object, std::string_view where,
                std::initializer_list<std::span<const KeyRule>> tables);

}  // namespace fovea
