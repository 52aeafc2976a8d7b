// PyTorch's checkpoints (.pth, .pt, .bin) since 1.6: a zip archive with a pickle, `<folder>/data.pkl`, that describes
// the tensors, and with their storages, `<folder>/data/<key>` (torch/serialization.py). TorchScript's programs are such
// archives, too, with their code beside it: only their tensors are read. Nothing is ever run.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/files.hpp"
#include "checkpoint/formats/state_dict.hpp"
#include "checkpoint/formats/torch_tensors.hpp"
#include "checkpoint/formats/zip_archive.hpp"
#include "checkpoint/registry.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

constexpr std::string_view kPickleName = "data.pkl";
constexpr std::size_t kMaxPickleBytes = std::size_t{64} << 20U;  // published checkpoints have less than 1 MB

/// The members of an archive by their meaning.
class ArchiveReader {
 public:
  ArchiveReader(std::span<const ZipMember> members, std::string path) : members_(members), path_(std::move(path)) {}

  /// @param weights  the key under which they lie; empty: the usual ones
  [[nodiscard]] TorchTensors tensors(std::string_view weights) const {
    const ZipMember& member = find_pickle();
    const std::string folder = member.name.substr(0, member.name.size() - kPickleName.size());  // with its slash
    check_byte_order(folder);
    if (member.size > kMaxPickleBytes) {
      fail(fmt::format("{} has {} bytes, expected at most {}", kPickleName, member.size, kMaxPickleBytes));
    }
    std::vector<std::byte> inflated;
    if (member.deflated) inflated = read_member(member);
    const auto bytes = member.deflated ? std::span<const std::byte>(inflated) : member.content;
    const Pickle pickle = read_pickle(bytes, torch_globals(), member.where);
    const auto find = [&](std::string_view key, std::string& where) -> std::optional<TorchStorage> {
      const std::string name = fmt::format("{}data/{}", folder, key);
      where = fmt::format("member '{}'", printable(name));
      const ZipMember* storage = find_member(members_, name);
      if (storage == nullptr) return std::nullopt;
      return TorchStorage{storage->deflated ? std::span<const std::byte>() : storage->content, storage->size,
                          storage->deflated ? storage : nullptr};
    };
    return read_torch_tensors(pickle, path_, weights, find);
  }

 private:
  [[noreturn]] void fail(const std::string& what,
                         const char* hint = "the file is damaged: download it again, or save it again") const {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", path_, what), hint);
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
           "only archives written by torch.save, torch.jit.save or numpy.savez can be read");
    }
    if (std::count_if(members_.begin(), members_.end(), is_pickle) > 1) {
      fail("the zip archive has two folders with a data.pkl, expected one");
    }
    return *found;
  }

  void check_byte_order(const std::string& folder) const {
    const ZipMember* byte_order = find_member(members_, folder + "byteorder");
    if (byte_order == nullptr) return;  // written before byteorder existed: always little-endian
    const auto text = read_beginning(*byte_order, 16);
    const std::string_view order(reinterpret_cast<const char*>(text.data()), text.size());
    if (order != "little") {
      fail(fmt::format("the byte order is '{}', expected 'little'", printable(std::string(order))),
           "load it with torch on a little-endian machine and save it again there");
    }
  }

  std::span<const ZipMember> members_;
  std::string path_;
};

class Pth final : public Checkpoint {
 public:
  Pth(MappedFile file, const std::filesystem::path& path, std::string_view weights)
      : file_(std::move(file)),
        members_(read_zip_directory(file_.bytes(), printable(path))),
        content_(ArchiveReader(members_, printable(path)).tensors(weights)) {}

  [[nodiscard]] std::string_view format() const noexcept override { return "pth"; }
  [[nodiscard]] std::span<const TensorView> tensors() const noexcept override { return content_.tensors; }
  [[nodiscard]] WeightsOrigin origin() const override { return content_.origin; }
  void forget() const noexcept override { file_.forget(); }

 private:
  MappedFile file_;
  std::vector<ZipMember> members_;
  TorchTensors content_;
};

/// Accepts every zip archive that is no npz; open_pth() then reports what is wrong with it.
bool recognises_pth(std::span<const std::byte> file) {
  return is_zip(file);
}

std::unique_ptr<Checkpoint> open_pth_under(MappedFile file, const std::filesystem::path& path, std::string_view key) {
  return std::make_unique<Pth>(std::move(file), path, key);
}

std::unique_ptr<Checkpoint> open_pth(MappedFile file, const std::filesystem::path& path) {
  return open_pth_under(std::move(file), path, {});
}

}  // namespace

const CheckpointFormat kCheckpointFormat_pth{"pth", recognises_pth, open_pth, open_pth_under};

}  // namespace fovea
