// From what a PyTorch checkpoint's pickle describes to the entries of one state dict.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "checkpoint/formats/pickle.hpp"

namespace fovea {

/// Everything that such a pickle may name.
[[nodiscard]] std::span<const PickleGlobal> torch_globals() noexcept;

constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";

struct StateDictEntry {
  std::string name;
  const PickleValue* tensor = nullptr;  // the call of kRebuildTensor
};

/// The tensors of the outermost dict, or, if it has one of the keys "model", "state_dict" and "teacher" (the first of
/// these that is there), of the dict under that: how DeiT, timm and DINO wrap what they publish. Entries that are no
/// tensors are left out.
///
/// Prefixes of wrappers are taken off: "module." (DistributedDataParallel) if all names have it, "backbone." from
/// those that have it; what else lies under "teacher" beside a backbone is the projection head of self-distillation,
/// which DINO's own loader drops, too.
/// @param path    for messages.
/// @throws Error  kCheckpoint if there are no tensors, or two of one name.
[[nodiscard]] std::vector<StateDictEntry> find_state_dict(const Pickle& pickle, const std::string& path);

}  // namespace fovea
