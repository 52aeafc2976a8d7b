// A checkpoint file as named, typed tensors whose bounds are checked.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

struct ZipMember;  // zip_archive.hpp

/// safetensors' types. Model weights must be F64, F32, F16 or BF16.
enum class DType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };
[[nodiscard]] std::string_view name(DType dtype) noexcept;  // "F32"
[[nodiscard]] std::size_t item_size(DType dtype) noexcept;  // bytes

/// A tensor in the mapped file: little-endian, possibly unaligned, strided, or inside a deflated member of an archive.
/// Its creator has checked its bounds. Read it with to_float or visit_bytes.
struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::size_t> shape = {};
  std::span<const std::byte> bytes = {};  // from the first element to the last; empty if deflated
  std::vector<std::size_t> strides = {};  // in elements; empty means row-major without gaps
  const ZipMember* deflated = nullptr;    // the member to inflate before the elements can be read
  std::size_t deflated_offset = 0;        // byte offset of the first element in the inflated member

  [[nodiscard]] std::size_t numel() const noexcept;
  /// Size of all values in their stored type, inflated.
  [[nodiscard]] std::size_t stored_bytes() const noexcept { return numel() * item_size(dtype); }
};
/// "[576, 192]"
[[nodiscard]] std::string shape_text(std::span<const std::size_t> shape);
/// All values in row-major order as float32, converted exactly (F64 is rounded).
/// @throws Error  kCheckpoint for integer types, and if a deflated member is damaged.
[[nodiscard]] std::vector<float> to_float(const TensorView& tensor);
void to_float(const TensorView& tensor, std::span<float> out);
/// The values in place, if the file stores them as row-major, aligned float32; otherwise empty.
[[nodiscard]] std::span<const float> floats_in_place(const TensorView& tensor) noexcept;
/// Visits all values in row-major order in their stored type, in runs of whole elements, for hashing.
/// @throws Error  kCheckpoint if a deflated member is damaged.
void visit_bytes(const TensorView& tensor, const std::function<void(std::span<const std::byte>)>& visit);

/// Where a checkpoint's tensors lie in their file.
struct WeightsOrigin {
  std::string key;       // of a training checkpoint's dict, "state_dict_ema"; empty: the file has nothing else
  std::string stripped;  // what wrappers had put into their names, "_orig_mod., module."; empty: nothing
};

/// An open checkpoint file. Its tensors are valid as long as it lives.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;
  [[nodiscard]] virtual std::string_view format() const noexcept = 0;
  /// Sorted by name.
  [[nodiscard]] virtual std::span<const TensorView> tensors() const noexcept = 0;
  /// Texts that the file stores beside its tensors; empty for formats that have none.
  [[nodiscard]] virtual std::map<std::string, std::string> metadata() const { return {}; }
  [[nodiscard]] virtual WeightsOrigin origin() const { return {}; }
  /// Releases the memory that reading has used: pages of the mapped file stay with the process until then. Tensors stay
  /// valid.
  virtual void forget() const noexcept {}
  /// The tensor of this name, or nullptr.
  [[nodiscard]] const TensorView* find(std::string_view name) const noexcept;
};

/// Opens the file with the format that recognises it.
/// @param weights  the key of a training checkpoint's dict under which they lie; empty: what timm would take
/// @throws Error   kNotFound, kUnreadable; kCheckpoint if it is damaged or of no known format; kUsage if there is
///                 nothing under `weights`.
[[nodiscard]] std::unique_ptr<Checkpoint> open_checkpoint(const std::filesystem::path& file,
                                                          std::string_view weights = {});

}  // namespace fovea
