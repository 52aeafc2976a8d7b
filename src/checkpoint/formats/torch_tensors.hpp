// The tensors that a PyTorch checkpoint's pickle describes, in the storages that lie beside it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/formats/pickle.hpp"

namespace fovea {

/// The memory of one or several tensors.
struct TorchStorage {
  std::span<const std::byte> bytes;     // empty if deflated
  std::size_t size = 0;                 // of the inflated bytes
  const ZipMember* deflated = nullptr;  // the member that it is in
};

/// What the tuple of a persistent id says: ('storage', torch.FloatStorage, key, device, number of elements, ...).
struct TorchStorageId {
  std::string_view type;  // "torch.FloatStorage"
  std::string_view key;
  std::int64_t numel = 0;
  bool is_view = false;  // of another storage, as torch before 0.4 had them
};
/// None if the value is no such id.
[[nodiscard]] std::optional<TorchStorageId> storage_id(const Pickle& pickle, const PickleValue& persistent);
/// The size of an element, in bytes; none for a type that torch does not have.
[[nodiscard]] std::optional<std::size_t> storage_item_size(std::string_view type) noexcept;

struct TorchTensors {
  std::vector<TensorView> tensors;  // sorted by name
  WeightsOrigin origin;
};

/// @param path     for messages.
/// @param weights  the key under which they lie; empty: the usual ones
/// @param find     the storage of a key, and its name in messages ("member 'archive/data/0'"); none if there is none
/// @throws Error   kCheckpoint for a tensor that is not within its storage, or of a kind that is not read; and as
///                 find_state_dict().
using FindTorchStorage = std::function<std::optional<TorchStorage>(std::string_view key, std::string& where)>;
[[nodiscard]] TorchTensors read_torch_tensors(const Pickle& pickle, const std::string& path, std::string_view weights,
                                              const FindTorchStorage& find);

}  // namespace fovea
