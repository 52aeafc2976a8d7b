// PyTorch's checkpoints (.pth, .pt, .bin) since 1.6: a zip archive with a pickle, `<folder>/data.pkl`, that describes
// the tensors, and with their storages, `<folder>/data/<key>` (torch/serialization.py). Nothing in the pickle is ever
// run.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/files.hpp"
#include "checkpoint/formats/state_dict.hpp"
#include "checkpoint/formats/zip_archive.hpp"
#include "checkpoint/registry.hpp"
#include "checkpoint/tensor_layout.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kPickleName = "data.pkl";
constexpr std::size_t kMaxPickleBytes = std::size_t{64} << 20U;  // published checkpoints have less than 1 MB

struct StorageType {
  std::string_view name;
  DType dtype;
};
constexpr std::array<StorageType, 10> kStorageTypes{{{"torch.DoubleStorage", DType::kF64},
                                                     {"torch.FloatStorage", DType::kF32},
                                                     {"torch.HalfStorage", DType::kF16},
                                                     {"torch.BFloat16Storage", DType::kBF16},
                                                     {"torch.LongStorage", DType::kI64},
                                                     {"torch.IntStorage", DType::kI32},
                                                     {"torch.ShortStorage", DType::kI16},
                                                     {"torch.CharStorage", DType::kI8},
                                                     {"torch.ByteStorage", DType::kU8},
                                                     {"torch.BoolStorage", DType::kBool}}};

struct Storage {
  DType dtype = DType::kF32;
  const ZipMember* member = nullptr;
  std::size_t numel = 0;
};

/// The tensors that the pickle of an archive describes.
class ArchiveReader {
 public:
  ArchiveReader(std::span<const ZipMember> members, std::string path) : members_(members), path_(std::move(path)) {}

  /// @param weights  the key under which they lie; empty: the usual ones
  [[nodiscard]] std::vector<TensorView> tensors(std::string_view weights) {
    const ZipMember& pickle_member = find_pickle();
    folder_ = pickle_member.name.substr(0, pickle_member.name.size() - kPickleName.size());
    check_kind_of_archive();
    if (pickle_member.size > kMaxPickleBytes) {
      fail(fmt::format("{} has {} bytes, expected at most {}", kPickleName, pickle_member.size, kMaxPickleBytes));
    }
    std::vector<std::byte> inflated;
    if (pickle_member.deflated) inflated = read_member(pickle_member);
    const auto bytes = pickle_member.deflated ? std::span<const std::byte>(inflated) : pickle_member.content;
    pickle_ = read_pickle(bytes, torch_globals(), pickle_member.where);
    const StateDict found = find_state_dict(pickle_, path_, weights);
    origin_ = {found.key, found.stripped};
    std::vector<TensorView> tensors;
    tensors.reserve(found.entries.size());
    for (const StateDictEntry& entry : found.entries) tensors.push_back(read_tensor(entry));
    return tensors;
  }
  /// Where the tensors lie in the file; known once they are.
  [[nodiscard]] const WeightsOrigin& origin() const noexcept { return origin_; }

 private:
  [[noreturn]] void fail(const std::string& what,
                         const char* hint = "the file is damaged: download it again, or save it again") const {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", path_, what), hint);
  }
  [[noreturn]] void fail(const StateDictEntry& entry, const std::string& what) const {
    fail(fmt::format("tensor '{}' {}", printable(entry.name), what));
  }

  /// Finds data.pkl in the archive's only folder, whose name does not matter.
  [[nodiscard]] const ZipMember& find_pickle() const {
    const auto is_pickle = [](const ZipMember& member) {
      const auto slash = member.name.find('/');
      return slash != std::string::npos && std::string_view(member.name).substr(slash + 1) == kPickleName;
    };
    const auto found = std::find_if(members_.begin(), members_.end(), is_pickle);
    if (found == members_.end()) {
      fail("the zip archive has no <folder>/data.pkl, expected one as torch.save writes it",
           "only archives written by torch.save or numpy.savez can be read");
    }
    if (std::count_if(members_.begin(), members_.end(), is_pickle) > 1) {
      fail("the zip archive has two folders with a data.pkl, expected one");
    }
    return *found;
  }

  void check_kind_of_archive() const {
    if (find_member(members_, folder_ + "constants.pkl") != nullptr) {
      fail("the file is a TorchScript program, expected a state dict",
           "save its weights: torch.save(torch.jit.load(FILE).state_dict(), NEW_FILE)");
    }
    const ZipMember* byte_order = find_member(members_, folder_ + "byteorder");
    if (byte_order == nullptr) return;  // written before byteorder existed: always little-endian
    const auto text = read_beginning(*byte_order, 16);
    const std::string_view order(reinterpret_cast<const char*>(text.data()), text.size());
    if (order != "little") {
      fail(fmt::format("the byte order is '{}', expected 'little'", printable(std::string(order))),
           "load it with torch on a little-endian machine and save it again there");
    }
  }

  [[nodiscard]] const PickleValue* element(const PickleValue& of, std::size_t index, Kind kind) const {
    if (index >= of.elements.size()) return nullptr;
    const PickleValue& value = pickle_[of.elements[index]];
    return value.kind == kind ? &value : nullptr;
  }

  /// The sizes in a tuple of non-negative integers; none if the value is anything else.
  [[nodiscard]] std::optional<std::vector<std::size_t>> sizes(const PickleValue* tuple) const {
    if (tuple == nullptr || tuple->elements.size() > kMaxRank) return std::nullopt;
    std::vector<std::size_t> values;
    values.reserve(tuple->elements.size());
    for (std::size_t i = 0; i < tuple->elements.size(); ++i) {
      const PickleValue* value = element(*tuple, i, Kind::kInt);
      if (value == nullptr || value->integer < 0) return std::nullopt;
      values.push_back(static_cast<std::size_t>(value->integer));
    }
    return values;
  }

  /// ('storage', torch.FloatStorage, '0', 'cpu', 768)
  [[nodiscard]] Storage read_storage(const StateDictEntry& entry, const PickleValue* persistent) const {
    const PickleValue* id = persistent == nullptr ? nullptr : element(*persistent, 0, Kind::kTuple);
    if (id == nullptr || id->elements.size() != 5) fail(entry, "has no storage, expected one as torch.save writes it");
    const PickleValue* tag = element(*id, 0, Kind::kString);
    const PickleValue* type = element(*id, 1, Kind::kGlobal);
    const PickleValue* key = element(*id, 2, Kind::kString);
    const PickleValue* numel = element(*id, 4, Kind::kInt);
    if (tag == nullptr || tag->text != "storage" || type == nullptr || key == nullptr || numel == nullptr) {
      fail(entry, "has no storage, expected one as torch.save writes it");
    }
    const auto known = std::find_if(kStorageTypes.begin(), kStorageTypes.end(),
                                    [&](const StorageType& row) { return row.name == type->text; });
    if (known == kStorageTypes.end()) {
      fail(entry, fmt::format("is in a {}, expected a storage of floats or integers", type->text));
    }
    const std::string member_name = fmt::format("{}data/{}", folder_, key->text);
    const ZipMember* member = find_member(members_, member_name);
    if (member == nullptr) {
      fail(entry, fmt::format("is in member '{}', which the archive does not have", printable(member_name)));
    }
    const std::size_t count = member->size / item_size(known->dtype);
    if (member->size % item_size(known->dtype) != 0 || numel->integer < 0 ||
        static_cast<std::size_t>(numel->integer) != count) {
      fail(entry, fmt::format("is in member '{}' of {} bytes, expected {} elements of {}", printable(member_name),
                              member->size, numel->integer, name(known->dtype)));
    }
    return {known->dtype, member, count};
  }

  /// _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks)
  [[nodiscard]] TensorView read_tensor(const StateDictEntry& entry) const {
    const PickleValue& arguments = pickle_[entry.tensor->elements[1]];
    const Storage storage = read_storage(entry, element(arguments, 0, Kind::kPersistent));
    const PickleValue* offset_value = element(arguments, 1, Kind::kInt);
    const auto shape = sizes(element(arguments, 2, Kind::kTuple));
    const auto strides = sizes(element(arguments, 3, Kind::kTuple));
    if (offset_value == nullptr || offset_value->integer < 0 || !shape || !strides ||
        shape->size() != strides->size()) {
      fail(entry, fmt::format("has no valid offset, shape and strides, expected at most {} axes", kMaxRank));
    }
    const auto offset = static_cast<std::size_t>(offset_value->integer);
    const auto bytes = byte_size(storage.dtype, *shape);
    const auto reach = extent(*shape, *strides);
    if (!bytes || !reach || offset > storage.numel || *reach > storage.numel - offset) {
      fail(entry, fmt::format("is {} with strides {} from element {}, expected within the {} of its storage",
                              shape_text(*shape), shape_text(*strides), offset, storage.numel));
    }
    const std::size_t item = item_size(storage.dtype);
    if (*bytes / item > storage.numel) {
      fail(entry, fmt::format("is {} with strides {}, expected no more elements than the {} of its storage",
                              shape_text(*shape), shape_text(*strides), storage.numel));
    }
    TensorView tensor{.name = entry.name, .dtype = storage.dtype, .shape = *shape};
    if (!is_row_major(*shape, *strides)) tensor.strides = *strides;
    if (storage.member->deflated) {
      tensor.deflated = storage.member;
      tensor.deflated_offset = offset * item;
    } else {
      tensor.bytes = storage.member->content.subspan(offset * item, *reach * item);
    }
    return tensor;
  }

  std::span<const ZipMember> members_;
  std::string path_;
  std::string folder_;  // with its slash
  Pickle pickle_;
  WeightsOrigin origin_;
};

class Pth final : public Checkpoint {
 public:
  Pth(MappedFile file, const std::filesystem::path& path, std::string_view weights)
      : file_(std::move(file)), members_(read_zip_directory(file_.bytes(), printable(path))) {
    ArchiveReader reader(members_, printable(path));
    tensors_ = reader.tensors(weights);
    origin_ = reader.origin();
  }

  [[nodiscard]] std::string_view format() const noexcept override { return "pth"; }
  [[nodiscard]] std::span<const TensorView> tensors() const noexcept override { return tensors_; }
  [[nodiscard]] WeightsOrigin origin() const override { return origin_; }
  void forget() const noexcept override { file_.forget(); }

 private:
  MappedFile file_;
  std::vector<ZipMember> members_;
  std::vector<TensorView> tensors_;
  WeightsOrigin origin_;
};

/// Before torch.save wrote archives, its files began with PROTO and a protocol.
bool is_bare_pickle(std::span<const std::byte> file) {
  return file.size() >= 2 && file[0] == std::byte{0x80} && file[1] >= std::byte{2} && file[1] <= std::byte{5};
}

/// Accepts every zip archive that is no npz; open() then reports what is wrong with it.
bool recognises(std::span<const std::byte> file) {
  return is_zip(file) || is_bare_pickle(file);
}

std::unique_ptr<Checkpoint> open_under(MappedFile file, const std::filesystem::path& path, std::string_view key) {
  if (is_bare_pickle(file.bytes())) {
    throw Error(
        ErrorCode::kCheckpoint,
        fmt::format("{}: the file is a bare pickle, as PyTorch wrote before version 1.6, expected a zip archive",
                    printable(path)),
        "load it with a recent PyTorch and save it again: torch.save(torch.load(FILE), NEW_FILE)");
  }
  return std::make_unique<Pth>(std::move(file), path, key);
}

std::unique_ptr<Checkpoint> open(MappedFile file, const std::filesystem::path& path) {
  return open_under(std::move(file), path, {});
}

}  // namespace

const CheckpointFormat kCheckpointFormat_pth{"pth", recognises, open, open_under};

}  // namespace fovea
