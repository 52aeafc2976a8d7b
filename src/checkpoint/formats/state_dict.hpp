// Turns the contents of a PyTorch checkpoint's pickle into the entries of one state dict.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "checkpoint/formats/pickle.hpp"

namespace fovea {

/// The functions and types that such a pickle may name.
[[nodiscard]] std::span<const PickleGlobal> torch_globals() noexcept;

constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";

struct StateDictEntry {
  std::string name;
  const PickleValue* tensor = nullptr;  // the call of kRebuildTensor
};

/// The tensors of the outermost dict. If that dict has one of the keys "model", "state_dict" and "teacher" (the first
/// that exists), then of the dict under that key: DeiT, timm and DINO wrap their published weights so. Other entries
/// are left out.
///
/// Prefixes of wrappers are removed: "module." (DistributedDataParallel) if all names have it, "backbone." from the
/// names that have it. Whatever else lies under "teacher" beside a backbone is self-distillation's projection head and
/// is dropped, as DINO's own loader does.
/// @param path    for messages only.
/// @throws Error  kCheckpoint if there are no tensors, or if two have the same name.
[[nodiscard]] std::vector<StateDictEntry> find_state_dict(const Pickle& pickle, const std::string& path);

}  // namespace fovea
