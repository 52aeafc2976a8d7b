// npz: a zip archive of .npy arrays, as numpy.savez and numpy.savez_compressed write it. Google publishes ViTs in it.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/files.hpp"
#include "checkpoint/formats/npy_header.hpp"
#include "checkpoint/formats/zip_archive.hpp"
#include "checkpoint/registry.hpp"
#include "checkpoint/tensor_layout.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

constexpr std::string_view kExtension = ".npy";

/// Reads only as much of the member as the header needs, so that few pages are read or few bytes inflated.
NpyHeader read_header(const ZipMember& member) {
  if (!member.deflated) return parse_npy_header(member.content, member.where);
  const std::size_t bytes = npy_header_bytes(read_beginning(member, kNpyPrefixBytes), member.where);
  return parse_npy_header(read_beginning(member, bytes), member.where);
}

/// Describes a member's array. If the member is deflated, only its header is inflated.
TensorView read_array(const ZipMember& member) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{} {}", member.where, what),
                "the file is damaged or is no npz: download it again, or save it again with numpy.savez");
  };
  if (!member.name.ends_with(kExtension)) fail("is not an array, expected a name that ends in .npy");
  NpyHeader header = read_header(member);
  const auto expected = byte_size(header.dtype, header.shape);
  if (!expected) fail(fmt::format("has shape {}, which no file can hold", shape_text(header.shape)));
  if (member.size - header.bytes != *expected) {
    fail(fmt::format("has {} bytes after its header, expected {} for {} {}", member.size - header.bytes, *expected,
                     name(header.dtype), shape_text(header.shape)));
  }
  TensorView tensor{.name = member.name.substr(0, member.name.size() - kExtension.size()), .dtype = header.dtype};
  if (header.fortran_order) {
    auto strides = column_major_strides(header.shape);
    if (!is_row_major(header.shape, strides)) tensor.strides = std::move(strides);
  }
  tensor.shape = std::move(header.shape);
  if (member.deflated) {
    tensor.deflated = &member;
    tensor.deflated_offset = header.bytes;
  } else {
    tensor.bytes = member.content.subspan(header.bytes);
  }
  return tensor;
}

class Npz final : public Checkpoint {
 public:
  Npz(MappedFile file, const std::filesystem::path& path)
      : file_(std::move(file)), members_(read_zip_directory(file_.bytes(), printable(path))) {
    tensors_.reserve(members_.size());
    for (const ZipMember& member : members_) tensors_.push_back(read_array(member));
    // Removing the extension changes the order: "a-b.npy" < "a.npy", but "a" < "a-b".
    std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  }

  [[nodiscard]] std::string_view format() const noexcept override { return "npz"; }
  [[nodiscard]] std::span<const TensorView> tensors() const noexcept override { return tensors_; }
  void forget() const noexcept override { file_.forget(); }

 private:
  MappedFile file_;
  std::vector<ZipMember> members_;
  std::vector<TensorView> tensors_;
};

/// numpy writes nothing but arrays, so the first member decides.
bool recognises_npz(std::span<const std::byte> file) {
  return first_member_name(file).ends_with(kExtension);
}

std::unique_ptr<Checkpoint> open_npz(MappedFile file, const std::filesystem::path& path) {
  return std::make_unique<Npz>(std::move(file), path);
}

}  // namespace

const CheckpointFormat kCheckpointFormat_npz{"npz", recognises_npz, open_npz};

}  // namespace fovea
