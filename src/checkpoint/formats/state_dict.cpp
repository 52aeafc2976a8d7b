#include "checkpoint/formats/state_dict.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "base/files.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using Kind = PickleValue::Kind;

/// timm's in timm's order (timm/models/_helpers.py, load_state_dict), then DINO's, then those of common training loops.
constexpr std::array<std::string_view, 15> kWrappers{
    "state_dict_ema", "model_ema", "state_dict", "model",  "teacher", "model_state_dict", "model_state", "net",
    "network",        "params",    "weights",    "module", "encoder", "backbone",         "checkpoint"};
constexpr int kMostWrappers = 3;  // one within the other
constexpr std::string_view kSelfDistilled = "teacher";
constexpr std::string_view kParallelPrefix = "module.";
constexpr std::string_view kBackbonePrefix = "backbone.";
constexpr std::size_t kMaxKeysShown = 8;
constexpr int kMostCalls = 4;  // one around the other

/// The function that makes a tensor and its arguments; null if the value is something else. Parameters and tensors with
/// attributes are calls that wrap their tensor's.
StateDictEntry as_tensor(const Pickle& pickle, const PickleValue& value) {
  if (value.kind != Kind::kCall) return {};
  StateDictEntry tensor{{}, pickle[value.elements[0]].text, &pickle[value.elements[1]]};
  for (int around = 0; around < kMostCalls && tensor.arguments != nullptr; ++around) {
    const std::vector<PickleId>& arguments = tensor.arguments->elements;
    if (tensor.function == kRebuildParameter || tensor.function == kRebuildParameterWithState) {
      if (arguments.empty() || pickle[arguments[0]].kind != Kind::kCall) return {};
      const PickleValue& inner = pickle[arguments[0]];
      tensor = {{}, pickle[inner.elements[0]].text, &pickle[inner.elements[1]]};
    } else if (tensor.function == kRebuildFromType) {  // (function, type, arguments, attributes)
      if (arguments.size() < 3 || pickle[arguments[0]].kind != Kind::kGlobal) return {};
      tensor = {{}, pickle[arguments[0]].text, &pickle[arguments[2]]};
    } else {
      return tensor;
    }
  }
  return {};
}

bool holds_items(const PickleValue& value) {
  return value.kind == Kind::kDict || value.kind == Kind::kObject;
}

/// The value of the last item with this key, as in Python; nullptr if there is none.
const PickleValue* find_item(const Pickle& pickle, const PickleValue& dict, std::string_view key) {
  for (std::size_t i = dict.elements.size(); i >= 2; i -= 2) {
    const PickleValue& candidate = pickle[dict.elements[i - 2]];
    if (candidate.kind == Kind::kString && candidate.text == key) return &pickle[dict.elements[i - 1]];
  }
  return nullptr;
}

/// Collects the tensors of a dict; of a TorchScript module those of the modules within it, too, under the names that
/// its state_dict() gives them.
class TensorFinder {
 public:
  explicit TensorFinder(const Pickle& pickle) : pickle_(pickle) {}

  /// @return  false if there are too many modules, as where one holds itself
  bool collect(const PickleValue& dict, const std::string& prefix = {}, int depth = 0) {
    if (depth > kMostDepth || ++visits_ > kMostModules) return false;
    for (std::size_t i = 0; i < dict.elements.size(); i += 2) {
      const PickleValue& key = pickle_[dict.elements[i]];
      if (key.kind != Kind::kString) continue;
      const PickleValue& value = pickle_[dict.elements[i + 1]];
      StateDictEntry tensor = as_tensor(pickle_, value);
      if (tensor.arguments != nullptr) {
        tensor.name = prefix + std::string(key.text);
        entries_.push_back(std::move(tensor));
      } else if (dict.kind == Kind::kObject && value.kind == Kind::kObject) {
        if (!collect(value, prefix + std::string(key.text) + ".", depth + 1)) return false;
      }
    }
    return true;
  }
  [[nodiscard]] std::vector<StateDictEntry> take() { return std::move(entries_); }

 private:
  static constexpr int kMostDepth = 64;
  static constexpr int kMostModules = 100'000;
  const Pickle& pickle_;
  std::vector<StateDictEntry> entries_;
  int visits_ = 0;
};

/// Empty, too, where modules hold each other.
std::vector<StateDictEntry> tensors_of(const Pickle& pickle, const PickleValue& dict) {
  TensorFinder finder(pickle);
  return finder.collect(dict) ? finder.take() : std::vector<StateDictEntry>();
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
  const bool wraps = wrappers > 0 && dict.kind == Kind::kDict;  // a module's attributes are parts of it
  for (const std::string_view wrapper : kWrappers) {
    const PickleValue* inner = !wraps ? nullptr : find_item(pickle, dict, wrapper);
    if (inner == nullptr || !holds_items(*inner)) continue;
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
  if (inner != nullptr && holds_items(*inner)) found = find_dict(pickle, *inner, kMostWrappers);
  if (found.dict != nullptr) {
    return {found.dict, std::string(wanted) + (found.key.empty() ? "" : "." + found.key)};
  }
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: there are no weights under '{}', expected a dict of tensors", path, printable(wanted)),
              fmt::format("--weights takes one of its keys: {}", keys_text(pickle, dict)));
}

}  // namespace

StateDict find_state_dict(const Pickle& pickle, const std::string& path, std::string_view wanted) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", path, what),
                "save only the weights: torch.save(model.state_dict(), FILE)");
  };
  const PickleValue& root = pickle[pickle.root];
  if (!holds_items(root)) fail(fmt::format("the checkpoint is a {}, expected a dict of tensors", name(root.kind)));
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
