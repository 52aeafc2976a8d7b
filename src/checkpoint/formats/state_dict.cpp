#include "checkpoint/formats/state_dict.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/files.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using Kind = PickleValue::Kind;
using Role = PickleGlobal::Role;

constexpr std::array<PickleGlobal, 15> kGlobals{{{"collections.OrderedDict", Role::kDict},
                                                 {kRebuildTensor, Role::kFunction},
                                                 {kRebuildParameter, Role::kFunction},
                                                 {"torch.DoubleStorage", Role::kReference},
                                                 {"torch.FloatStorage", Role::kReference},
                                                 {"torch.HalfStorage", Role::kReference},
                                                 {"torch.BFloat16Storage", Role::kReference},
                                                 {"torch.LongStorage", Role::kReference},
                                                 {"torch.IntStorage", Role::kReference},
                                                 {"torch.ShortStorage", Role::kReference},
                                                 {"torch.CharStorage", Role::kReference},
                                                 {"torch.ByteStorage", Role::kReference},
                                                 {"torch.BoolStorage", Role::kReference},
                                                 {"torch.storage.UntypedStorage", Role::kReference},
                                                 {"argparse.Namespace", Role::kOpaque}}};

constexpr std::array<std::string_view, 3> kWrappers{"model", "state_dict", "teacher"};
constexpr std::string_view kSelfDistilled = "teacher";
constexpr std::string_view kParallelPrefix = "module.";
constexpr std::string_view kBackbonePrefix = "backbone.";
constexpr std::size_t kMaxKeysShown = 8;

/// The call that makes a tensor, or nullptr if the value is something else. A Parameter is a call that wraps its
/// tensor's.
const PickleValue* as_tensor(const Pickle& pickle, const PickleValue& value) {
  const PickleValue* call = &value;
  for (int around = 0; around < 2 && call->kind == Kind::kCall; ++around) {
    const auto function = pickle[call->elements[0]].text;
    const auto& arguments = pickle[call->elements[1]].elements;
    if (function == kRebuildTensor) return call;
    if (arguments.empty()) return nullptr;
    call = &pickle[arguments[0]];
  }
  return nullptr;
}

/// The value of the last item with this key, as in Python; nullptr if there is none.
const PickleValue* find_item(const Pickle& pickle, const PickleValue& dict, std::string_view key) {
  for (std::size_t i = dict.elements.size(); i >= 2; i -= 2) {
    const PickleValue& candidate = pickle[dict.elements[i - 2]];
    if (candidate.kind == Kind::kString && candidate.text == key) return &pickle[dict.elements[i - 1]];
  }
  return nullptr;
}

std::vector<StateDictEntry> tensors_of(const Pickle& pickle, const PickleValue& dict) {
  std::vector<StateDictEntry> entries;
  entries.reserve(dict.elements.size() / 2);
  for (std::size_t i = 0; i < dict.elements.size(); i += 2) {
    const PickleValue& key = pickle[dict.elements[i]];
    const PickleValue* tensor = as_tensor(pickle, pickle[dict.elements[i + 1]]);
    if (key.kind == Kind::kString && tensor != nullptr) entries.push_back({std::string(key.text), tensor});
  }
  return entries;
}

std::string keys_text(const Pickle& pickle, const PickleValue& dict) {
  std::vector<std::string> keys;
  keys.reserve(kMaxKeysShown + 1);
  for (std::size_t i = 0; i < dict.elements.size() && keys.size() <= kMaxKeysShown; i += 2) {
    const PickleValue& key = pickle[dict.elements[i]];
    if (keys.size() == kMaxKeysShown) {
      keys.emplace_back("...");
    } else {
      keys.push_back(key.kind == Kind::kString ? printable(std::string(key.text)) : std::string(name(key.kind)));
    }
  }
  return keys.empty() ? "nothing" : fmt::format("{}", fmt::join(keys, ", "));
}

void strip_prefixes(std::vector<StateDictEntry>& entries, bool self_distilled) {
  const auto has = [](std::string_view prefix) {
    return [prefix](const StateDictEntry& entry) { return entry.name.starts_with(prefix); };
  };
  if (std::all_of(entries.begin(), entries.end(), has(kParallelPrefix))) {
    for (StateDictEntry& entry : entries) entry.name.erase(0, kParallelPrefix.size());
  }
  if (std::none_of(entries.begin(), entries.end(), has(kBackbonePrefix))) return;
  if (self_distilled) {
    entries.erase(std::remove_if(entries.begin(), entries.end(), std::not_fn(has(kBackbonePrefix))), entries.end());
  }
  for (StateDictEntry& entry : entries) {
    if (has(kBackbonePrefix)(entry)) entry.name.erase(0, kBackbonePrefix.size());
  }
}

}  // namespace

std::span<const PickleGlobal> torch_globals() noexcept {
  return kGlobals;
}

std::vector<StateDictEntry> find_state_dict(const Pickle& pickle, const std::string& path) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", path, what),
                "save only the weights: torch.save(model.state_dict(), FILE)");
  };
  const PickleValue* dict = &pickle[pickle.root];
  if (dict->kind != Kind::kDict)
    fail(fmt::format("the checkpoint is a {}, expected a dict of tensors", name(dict->kind)));
  bool self_distilled = false;
  for (const std::string_view wrapper : kWrappers) {
    const PickleValue* inner = find_item(pickle, *dict, wrapper);
    if (inner == nullptr || inner->kind != Kind::kDict) continue;
    self_distilled = wrapper == kSelfDistilled;
    dict = inner;
    break;
  }
  auto entries = tensors_of(pickle, *dict);
  if (entries.empty()) {
    fail(fmt::format("the checkpoint's dict holds {}, expected tensors, or a dict of tensors under one of {}",
                     keys_text(pickle, *dict), fmt::join(kWrappers, ", ")));
  }
  strip_prefixes(entries, self_distilled);
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto repeated =
      std::adjacent_find(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name == b.name; });
  if (repeated != entries.end()) {
    fail(fmt::format("tensor '{}' is in the checkpoint twice, expected once (after prefixes are removed)",
                     printable(repeated->name)));
  }
  return entries;
}

}  // namespace fovea
