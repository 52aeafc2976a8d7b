// PyTorch's checkpoints before 1.6 (torch/serialization.py, _legacy_save): a magic number, the version of the format,
// facts about the machine, the pickle that describes the tensors and the keys of their storages, each a pickle of its
// own; then, in the order of the keys, each storage as its number of elements and its bytes. Nothing is ever run.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "base/files.hpp"
#include "checkpoint/byte_reader.hpp"
#include "checkpoint/formats/state_dict.hpp"
#include "checkpoint/formats/torch_tensors.hpp"
#include "checkpoint/registry.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using Kind = PickleValue::Kind;

/// 0x1950a86a20f9469cfc6c as pickle writes it: LONG1, ten bytes, the lowest first.
constexpr std::array<unsigned char, 12> kTorchMagic{0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                                    0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
constexpr std::int64_t kVersion = 1001;
constexpr std::size_t kMaxObjectBytes = std::size_t{64} << 20U;

class LegacyReader {
 public:
  LegacyReader(std::span<const std::byte> file, std::string path) : file_(file), path_(std::move(path)) {}

  /// @param weights  the key under which they lie; empty: the usual ones
  [[nodiscard]] TorchTensors tensors(std::string_view weights) {
    check_magic();
    const Pickle version = next("the version of the format");
    if (version[version.root].kind != Kind::kInt || version[version.root].integer != kVersion) {
      fail(fmt::format("the version of the format is not {}, expected that of torch 0.4 to 1.5", kVersion));
    }
    check_machine(next("the facts about the machine"));
    const Pickle content = next("the content");
    read_storages(content, next("the keys of the storages"));
    return read_torch_tensors(content, path_, weights,
                              [&](std::string_view key, std::string& where) -> std::optional<TorchStorage> {
                                where = fmt::format("storage '{}'", printable(std::string(key)));
                                const auto found = storages_.find(key);
                                if (found == storages_.end()) return std::nullopt;
                                return TorchStorage{found->second, found->second.size()};
                              });
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", path_, what),
                "the file is damaged or is no checkpoint of tensors; nothing in it was run");
  }

  [[nodiscard]] Pickle next(const char* what) {
    std::size_t length = 0;
    const auto rest = file_.subspan(at_);
    Pickle pickle = read_first_pickle(rest.first(std::min(rest.size(), kMaxObjectBytes)), torch_globals(),
                                      fmt::format("{}: the pickle of {}", path_, what), length);
    at_ += length;
    return pickle;
  }

  void check_magic() {
    static_cast<void>(next("the magic number"));
    const auto magic = std::as_bytes(std::span(kTorchMagic));
    const auto first = file_.first(at_);
    if (std::search(first.begin(), first.end(), magic.begin(), magic.end()) == first.end()) {
      fail("the file is a bare pickle, expected one that torch.save wrote");
    }
  }

  void check_machine(const Pickle& facts) const {
    const auto& elements = facts[facts.root].elements;
    for (std::size_t i = 0; i + 1 < elements.size() && facts[facts.root].kind == Kind::kDict; i += 2) {
      const PickleValue& value = facts[elements[i + 1]];
      if (facts[elements[i]].text == "little_endian" && value.kind == Kind::kBool && value.integer == 0) {
        fail("the byte order is big, expected little");
      }
    }
  }

  void read_storages(const Pickle& content, const Pickle& keys) {
    std::map<std::string_view, std::size_t> item_sizes;
    for (const PickleValue& value : content.values) {
      if (value.kind != Kind::kPersistent) continue;
      const auto id = storage_id(content, value);
      const auto size = id ? storage_item_size(id->type) : std::nullopt;
      if (!size) fail("an object outside the pickle is no storage, expected storages only");
      item_sizes.emplace(id->key, *size);
    }
    if (keys[keys.root].kind != Kind::kList) fail("the keys of the storages are no list");
    ByteReader reader(file_.subspan(at_), path_ + ": the storages");
    for (const PickleId key_id : keys[keys.root].elements) {
      const PickleValue& key = keys[key_id];
      const auto known = key.kind == Kind::kString ? item_sizes.find(key.text) : item_sizes.end();
      if (known == item_sizes.end()) fail("a storage belongs to no tensor, expected each to belong to one");
      const auto numel = reader.read<std::uint64_t>();
      if (numel > reader.left() / known->second) {
        fail(fmt::format("storage '{}' has {} elements of {} bytes, expected at most the {} bytes that are left",
                         printable(std::string(key.text)), numel, known->second, reader.left()));
      }
      storages_.emplace(std::string(key.text), reader.take(numel * known->second));
    }
  }

  std::span<const std::byte> file_;
  std::string path_;
  std::size_t at_ = 0;
  std::map<std::string, std::span<const std::byte>, std::less<>> storages_;
};

class LegacyPth final : public Checkpoint {
 public:
  LegacyPth(MappedFile file, const std::filesystem::path& path, std::string_view weights)
      : file_(std::move(file)), content_(LegacyReader(file_.bytes(), printable(path)).tensors(weights)) {}

  [[nodiscard]] std::string_view format() const noexcept override { return "legacy pth"; }
  [[nodiscard]] std::span<const TensorView> tensors() const noexcept override { return content_.tensors; }
  [[nodiscard]] WeightsOrigin origin() const override { return content_.origin; }
  void forget() const noexcept override { file_.forget(); }

 private:
  MappedFile file_;
  TorchTensors content_;
};

/// PROTO and a protocol; open_legacy_pth() then reports what is wrong with a pickle of anything else.
bool recognises_legacy_pth(std::span<const std::byte> file) {
  return file.size() >= 2 && file[0] == std::byte{0x80} && file[1] >= std::byte{2} && file[1] <= std::byte{5};
}

std::unique_ptr<Checkpoint> open_legacy_pth_under(MappedFile file, const std::filesystem::path& path,
                                                  std::string_view key) {
  return std::make_unique<LegacyPth>(std::move(file), path, key);
}

std::unique_ptr<Checkpoint> open_legacy_pth(MappedFile file, const std::filesystem::path& path) {
  return open_legacy_pth_under(std::move(file), path, {});
}

}  // namespace

const CheckpointFormat kCheckpointFormat_legacy_pth{"legacy pth", recognises_legacy_pth, open_legacy_pth,
                                                    open_legacy_pth_under};

}  // namespace fovea
