// Turns the contents of a PyTorch checkpoint's pickle into the entries of one state dict.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "checkpoint/formats/pickle.hpp"

namespace fovea {

/// The functions and types that such a pickle may name (torch_globals.cpp).
[[nodiscard]] std::span<const PickleGlobal> torch_globals() noexcept;

constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildOldTensor = "torch._utils._rebuild_tensor";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kRebuildParameterWithState = "torch._utils._rebuild_parameter_with_state";
constexpr std::string_view kRebuildFromType = "torch._tensor._rebuild_from_type_v2";

struct StateDictEntry {
  std::string name;
  std::string_view function;               // that makes it, kRebuildTensor
  const PickleValue* arguments = nullptr;  // of the function, a tuple
};

struct StateDict {
  std::vector<StateDictEntry> entries;  // sorted by name
  std::string key;                      // where they were found, "state_dict" or "checkpoint.model"; empty: outermost
  std::string stripped;                 // what was taken off all names
};

/// The tensors of the outermost dict, or, where it has one of the keys under which training loops put them, of the dict
/// under the first of these: averaged weights before others, as timm's load_state_dict does. Entries that are no
/// tensors are left out. A TorchScript module gives the tensors of all modules within it.
///
/// Prefixes of wrappers are taken off: "module." (DistributedDataParallel) if all names have it, "backbone." from
/// those that have it; what else lies under "teacher" beside a backbone is the projection head of self-distillation,
/// which DINO's own loader drops, too.
/// @param path    for messages.
/// @param wanted  the key to look under; empty: the usual ones
/// @throws Error  kCheckpoint if there are no tensors, or two of one name; kUsage if there are none under `wanted`.
[[nodiscard]] StateDict find_state_dict(const Pickle& pickle, const std::string& path, std::string_view wanted = {});

}  // namespace fovea
