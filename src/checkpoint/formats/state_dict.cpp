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

/// What torch.load(weights_only=True) accepts, and argparse's Namespace, which timm allows, too.
constexpr std::array kGlobals{PickleGlobal{"collections.OrderedDict", Role::kDict},
                              PickleGlobal{kRebuildTensor, Role::kFunction},
                              PickleGlobal{kRebuildParameter, Role::kFunction},
                              PickleGlobal{"torch.DoubleStorage"},
                              PickleGlobal{"torch.FloatStorage"},
                              PickleGlobal{"torch.HalfStorage"},
                              PickleGlobal{"torch.BFloat16Storage"},
                              PickleGlobal{"torch.LongStorage"},
                              PickleGlobal{"torch.IntStorage"},
                              PickleGlobal{"torch.ShortStorage"},
                              PickleGlobal{"torch.CharStorage"},
                              PickleGlobal{"torch.ByteStorage"},
                              PickleGlobal{"torch.BoolStorage"},
                              PickleGlobal{"torch.storage.UntypedStorage"},
                              PickleGlobal{"torch.float64"},
                              PickleGlobal{"torch.float32"},
                              PickleGlobal{"torch.float16"},
                              PickleGlobal{"torch.bfloat16"},
                              PickleGlobal{"torch.int64"},
                              PickleGlobal{"torch.int32"},
                              PickleGlobal{"torch.int16"},
                              PickleGlobal{"torch.int8"},
                              PickleGlobal{"torch.uint8"},
                              PickleGlobal{"torch.bool"},
                              PickleGlobal{"torch.Size", Role::kValue},
                              PickleGlobal{"torch.device", Role::kValue},
                              PickleGlobal{"collections.Counter", Role::kValue},
                              PickleGlobal{"__builtin__.set", Role::kValue},
                              PickleGlobal{"builtins.set", Role::kValue},
                              PickleGlobal{"__builtin__.bytearray", Role::kValue},
                              PickleGlobal{"builtins.bytearray", Role::kValue},
                              PickleGlobal{"__builtin__.bytes", Role::kValue},
                              PickleGlobal{"_codecs.encode", Role::kValue},
                              PickleGlobal{"argparse.Namespace", Role::kOpaque}};

/// timm's in timm's order (timm/models/_helpers.py, load_state_dict), then DINO's, then those of common training loops.
constexpr std::array<std::string_view, 15> kWrappers{
    "state_dict_ema", "model_ema", "state_dict", "model",  "teacher", "model_state_dict", "model_state", "net",
    "network",        "params",    "weights",    "module", "encoder", "backbone",         "checkpoint"};
constexpr int kMostWrappers = 3;  // one within the other
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

std::string strip_prefixes(std::vector<StateDictEntry>& entries, bool self_distilled) {
  const auto has = [](std::string_view prefix) {
    return [prefix](const StateDictEntry& entry) { return entry.name.starts_with(prefix); };
  };
  std::string stripped;
  if (std::all_of(entries.begin(), entries.end(), has(kParallelPrefix))) {
    for (StateDictEntry& entry : entries) entry.name.erase(0, kParallelPrefix.size());
    stripped = kParallelPrefix;
  }
  if (std::none_of(entries.begin(), entries.end(), has(kBackbonePrefix))) return stripped;
  if (self_distilled) {
    entries.erase(std::remove_if(entries.begin(), entries.end(), std::not_fn(has(kBackbonePrefix))), entries.end());
  }
  for (StateDictEntry& entry : entries) {
    if (has(kBackbonePrefix)(entry)) entry.name.erase(0, kBackbonePrefix.size());
  }
  return stripped + (stripped.empty() ? "" : ", ") + std::string(kBackbonePrefix);
}

struct FoundDict {
  const PickleValue* dict = nullptr;  // nullptr: there is none with tensors
  std::string key;
};

/// The dict that holds the tensors: one under a wrapper's key, which may be wrapped itself, or else this one.
FoundDict find_dict(const Pickle& pickle, const PickleValue& dict, int wrappers) {
  for (const std::string_view wrapper : kWrappers) {
    const PickleValue* inner = wrappers == 0 ? nullptr : find_item(pickle, dict, wrapper);
    if (inner == nullptr || inner->kind != Kind::kDict) continue;
    const FoundDict found = find_dict(pickle, *inner, wrappers - 1);
    if (found.dict == nullptr) continue;
    return {found.dict, std::string(wrapper) + (found.key.empty() ? "" : "." + found.key)};
  }
  return {tensors_of(pickle, dict).empty() ? nullptr : &dict, {}};
}

/// What the user names: any key of the outermost dict.
FoundDict find_wanted(const Pickle& pickle, const PickleValue& dict, std::string_view wanted, const std::string& path) {
  const PickleValue* inner = find_item(pickle, dict, wanted);
  FoundDict found;
  if (inner != nullptr && inner->kind == Kind::kDict) found = find_dict(pickle, *inner, kMostWrappers);
  if (found.dict != nullptr) {
    return {found.dict, std::string(wanted) + (found.key.empty() ? "" : "." + found.key)};
  }
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: there are no weights under '{}', expected a dict of tensors", path, printable(wanted)),
              fmt::format("--weights takes one of its keys: {}", keys_text(pickle, dict)));
}

}  // namespace

std::span<const PickleGlobal> torch_globals() noexcept {
  return kGlobals;
}

StateDict find_state_dict(const Pickle& pickle, const std::string& path, std::string_view wanted) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", path, what),
                "save only the weights: torch.save(model.state_dict(), FILE)");
  };
  const PickleValue& root = pickle[pickle.root];
  if (root.kind != Kind::kDict)
    fail(fmt::format("the checkpoint is a {}, expected a dict of tensors", name(root.kind)));
  const FoundDict found =
      wanted.empty() ? find_dict(pickle, root, kMostWrappers) : find_wanted(pickle, root, wanted, path);
  if (found.dict == nullptr) {
    fail(fmt::format("the checkpoint's dict holds {}, expected tensors, or a dict of tensors under one of {}",
                     keys_text(pickle, root), fmt::join(kWrappers, ", ")));
  }
  StateDict result{tensors_of(pickle, *found.dict), found.key, {}};
  result.stripped = strip_prefixes(result.entries, found.key == kSelfDistilled);
  std::vector<StateDictEntry>& entries = result.entries;
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto repeated =
      std::adjacent_find(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name == b.name; });
  if (repeated != entries.end()) {
    fail(fmt::format("tensor '{}' is in the checkpoint twice, expected once (after prefixes are removed)",
                     printable(repeated->name)));
  }
  return result;
}

}  // namespace fovea
