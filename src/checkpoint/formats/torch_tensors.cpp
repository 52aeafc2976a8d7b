#include "checkpoint/formats/torch_tensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/files.hpp"
#include "checkpoint/formats/state_dict.hpp"
#include "checkpoint/tensor_layout.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using Kind = PickleValue::Kind;

struct StorageType {
  std::string_view name;
  std::optional<DType> dtype;  // none: its tensors are not read
  std::size_t item_size = 0;   // where there is no dtype
};
constexpr std::array kStorageTypes{StorageType{"torch.DoubleStorage", DType::kF64},
                                   StorageType{"torch.FloatStorage", DType::kF32},
                                   StorageType{"torch.HalfStorage", DType::kF16},
                                   StorageType{"torch.BFloat16Storage", DType::kBF16},
                                   StorageType{"torch.LongStorage", DType::kI64},
                                   StorageType{"torch.IntStorage", DType::kI32},
                                   StorageType{"torch.ShortStorage", DType::kI16},
                                   StorageType{"torch.CharStorage", DType::kI8},
                                   StorageType{"torch.ByteStorage", DType::kU8},
                                   StorageType{"torch.BoolStorage", DType::kBool},
                                   StorageType{"torch.ComplexFloatStorage", std::nullopt, 8},
                                   StorageType{"torch.ComplexDoubleStorage", std::nullopt, 16},
                                   StorageType{"torch.QInt8Storage", std::nullopt, 1},
                                   StorageType{"torch.QUInt8Storage", std::nullopt, 1},
                                   StorageType{"torch.QInt32Storage", std::nullopt, 4},
                                   StorageType{"torch.QUInt4x2Storage", std::nullopt, 1},
                                   StorageType{"torch.QUInt2x4Storage", std::nullopt, 1},
                                   StorageType{"torch.storage.UntypedStorage", std::nullopt, 1}};

const StorageType* find_type(std::string_view name) noexcept {
  const auto* const found = std::find_if(kStorageTypes.begin(), kStorageTypes.end(),
                                         [&](const StorageType& type) { return type.name == name; });
  return found == kStorageTypes.end() ? nullptr : found;
}

const PickleValue* element(const Pickle& pickle, const PickleValue& of, std::size_t index, Kind kind) {
  if (index >= of.elements.size()) return nullptr;
  const PickleValue& value = pickle[of.elements[index]];
  return value.kind == kind ? &value : nullptr;
}

/// The sizes in a tuple of non-negative integers; none if the value is anything else.
std::optional<std::vector<std::size_t>> sizes(const Pickle& pickle, const PickleValue* tuple) {
  if (tuple == nullptr || tuple->elements.size() > kMaxRank) return std::nullopt;
  std::vector<std::size_t> values;
  values.reserve(tuple->elements.size());
  for (std::size_t i = 0; i < tuple->elements.size(); ++i) {
    const PickleValue* value = element(pickle, *tuple, i, Kind::kInt);
    if (value == nullptr || value->integer < 0) return std::nullopt;
    values.push_back(static_cast<std::size_t>(value->integer));
  }
  return values;
}

class TensorReader {
 public:
  TensorReader(const Pickle& pickle, const std::string& path, const FindTorchStorage& find)
      : pickle_(pickle), path_(path), find_(find) {}

  /// _rebuild_tensor_v2(storage, storage_offset, size, stride, ...); before 0.4 without what follows.
  [[nodiscard]] TensorView read(const StateDictEntry& entry) const {
    if (entry.function != kRebuildTensor && entry.function != kRebuildOldTensor) {
      fail(entry, fmt::format("is made by {}, expected a dense tensor of floats or integers", entry.function));
    }
    const PickleValue& arguments = *entry.arguments;
    const PickleValue* persistent = element(pickle_, arguments, 0, Kind::kPersistent);
    const auto id = persistent == nullptr ? std::nullopt : storage_id(pickle_, *persistent);
    if (!id) fail(entry, "has no storage, expected one as torch.save writes it");
    const StorageType* type = find_type(id->type);
    if (type == nullptr || !type->dtype || id->is_view) {
      fail(entry, fmt::format("is in a {}{}, expected a storage of floats or integers", id->type,
                              id->is_view ? " that is a view" : ""));
    }
    const TorchStorage storage = storage_of(entry, *id, *type->dtype);
    const std::size_t numel = storage.size / item_size(*type->dtype);
    const PickleValue* offset_value = element(pickle_, arguments, 1, Kind::kInt);
    const auto shape = sizes(pickle_, element(pickle_, arguments, 2, Kind::kTuple));
    const auto strides = sizes(pickle_, element(pickle_, arguments, 3, Kind::kTuple));
    if (offset_value == nullptr || offset_value->integer < 0 || !shape || !strides ||
        shape->size() != strides->size()) {
      fail(entry, fmt::format("has no valid offset, shape and strides, expected at most {} axes", kMaxRank));
    }
    const auto offset = static_cast<std::size_t>(offset_value->integer);
    const auto bytes = byte_size(*type->dtype, *shape);
    const auto reach = extent(*shape, *strides);
    if (!bytes || !reach || offset > numel || *reach > numel - offset) {
      fail(entry, fmt::format("is {} with strides {} from element {}, expected within the {} of its storage",
                              shape_text(*shape), shape_text(*strides), offset, numel));
    }
    const std::size_t item = item_size(*type->dtype);
    if (*bytes / item > numel) {
      fail(entry, fmt::format("is {} with strides {}, expected no more elements than the {} of its storage",
                              shape_text(*shape), shape_text(*strides), numel));
    }
    TensorView tensor{.name = entry.name, .dtype = *type->dtype, .shape = *shape};
    if (!is_row_major(*shape, *strides)) tensor.strides = *strides;
    if (storage.deflated != nullptr) {
      tensor.deflated = storage.deflated;
      tensor.deflated_offset = offset * item;
    } else {
      tensor.bytes = storage.bytes.subspan(offset * item, *reach * item);
    }
    return tensor;
  }

 private:
  [[noreturn]] void fail(const StateDictEntry& entry, const std::string& what) const {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: tensor '{}' {}", path_, printable(entry.name), what),
                "the file is damaged or holds more than dense weights: download it again, or save it again");
  }

  [[nodiscard]] TorchStorage storage_of(const StateDictEntry& entry, const TorchStorageId& id, DType dtype) const {
    std::string where;
    const auto storage = find_(id.key, where);
    if (!storage) fail(entry, fmt::format("is in {}, which the file does not have", where));
    const std::size_t item = item_size(dtype);
    if (storage->size % item != 0 || id.numel < 0 || static_cast<std::size_t>(id.numel) != storage->size / item) {
      fail(entry, fmt::format("is in {} of {} bytes, expected {} elements of {}", where, storage->size, id.numel,
                              name(dtype)));
    }
    return *storage;
  }

  const Pickle& pickle_;
  const std::string& path_;
  const FindTorchStorage& find_;
};

}  // namespace

std::optional<TorchStorageId> storage_id(const Pickle& pickle, const PickleValue& persistent) {
  const PickleValue* id = element(pickle, persistent, 0, Kind::kTuple);
  if (id == nullptr || id->elements.size() < 5) return std::nullopt;
  const PickleValue* tag = element(pickle, *id, 0, Kind::kString);
  const PickleValue* type = element(pickle, *id, 1, Kind::kGlobal);
  const PickleValue* key = element(pickle, *id, 2, Kind::kString);
  const PickleValue* numel = element(pickle, *id, 4, Kind::kInt);
  if (tag == nullptr || tag->text != "storage" || type == nullptr || key == nullptr || numel == nullptr) {
    return std::nullopt;
  }
  const bool is_view = id->elements.size() > 5 && element(pickle, *id, 5, Kind::kNone) == nullptr;
  return TorchStorageId{type->text, key->text, numel->integer, is_view};
}

std::optional<std::size_t> storage_item_size(std::string_view type) noexcept {
  const StorageType* found = find_type(type);
  if (found == nullptr) return std::nullopt;
  return found->dtype ? item_size(*found->dtype) : found->item_size;
}

TorchTensors read_torch_tensors(const Pickle& pickle, const std::string& path, std::string_view weights,
                                const FindTorchStorage& find) {
  const StateDict found = find_state_dict(pickle, path, weights);
  TorchTensors result{{}, {found.key, found.stripped}};
  result.tensors.reserve(found.entries.size());
  const TensorReader reader(pickle, path, find);
  for (const StateDictEntry& entry : found.entries) result.tensors.push_back(reader.read(entry));
  return result;
}

}  // namespace fovea
