// A checkpoint file as named, typed, bounds-checked tensors.
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

/// safetensors' types; those a model can be made of are F64 F32 F16 BF16.
enum class DType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };
[[nodiscard]] std::string_view name(DType dtype) noexcept;  // "F32"
[[nodiscard]] std::size_t item_size(DType dtype) noexcept;  // bytes

/// A tensor where it lies in the mapped file: little-endian, possibly unaligned, strided or inside a deflated member of
/// an archive. Whoever makes one has checked its bounds; to_float and visit_bytes are the ways to read it.
struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::size_t> shape = {};
  std::span<const std::byte> bytes = {};  // from the first element to the last; empty if deflated
  std::vector<std::size_t> strides = {};  // in elements; empty means row-major without gaps
  const ZipMember* deflated = nullptr;    // what has to be inflated to get at the elements
  std::size_t deflated_offset = 0;        // of the first element in it, in bytes

  [[nodiscard]] std::size_t numel() const noexcept;
  /// Of all values in their stored type, inflated.
  [[nodiscard]] std::size_t stored_bytes() const noexcept { return numel() * item_size(dtype); }
};
/// "[576, 192]"
[[nodiscard]] std::string shape_text(std::span<const std::size_t> shape);
/// All values in row-major order as float32, converted exactly (F64 is rounded).
/// @throws Error  kCheckpoint for integer types, and if a deflated member is damaged.
[[nodiscard]] std::vector<float> to_float(const TensorView& tensor);
void to_float(const TensorView& tensor, std::span<float> out);
/// The same values where they lie, if they lie there as that: row-major float32, aligned. Empty otherwise.
[[nodiscard]] std::span<const float> floats_in_place(const TensorView& tensor) noexcept;
/// All values in row-major order in their stored type, in runs of whole elements: what a hash is made of.
/// @throws Error  kCheckpoint if a deflated member is damaged.
void visit_bytes(const TensorView& tensor, const std::function<void(std::span<const std::byte>)>& visit);

/// Tensors are valid as long as the checkpoint lives.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;
  [[nodiscard]] virtual std::string_view format() const noexcept = 0;
  /// Sorted by name.
  [[nodiscard]] virtual std::span<const TensorView> tensors() const noexcept = 0;
  /// Texts that a file holds beside its tensors, of the formats that have them.
  [[nodiscard]] virtual std::map<std::string, std::string> metadata() const { return {}; }
  /// Lets go of the memory that reading has taken: files are mapped, and what was touched stays with the process.
  /// Tensors stay valid.
  virtual void forget() const noexcept {}
  /// nullptr if there is none of this name.
  [[nodiscard]] const TensorView* find(std::string_view name) const noexcept;
};

/// Opens the file with the format that recognises it.
/// @throws Error  kNotFound, kUnreadable; kCheckpoint if it is damaged or of no known format.
[[nodiscard]] std::unique_ptr<Checkpoint> open_checkpoint(const std::filesystem::path& file);

}  // namespace fovea
