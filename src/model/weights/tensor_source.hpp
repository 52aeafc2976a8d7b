// Where weights come from: tensors by what they are for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "model/family/family.hpp"

namespace fovea {

/// [rows, cols] → [cols, rows]: between [out, in] and the formats that store weights as [in, out].
template <typename T>
void transpose(std::span<const T> from, std::size_t rows, std::size_t cols, std::span<T> to) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) to[c * rows + r] = from[r * cols + c];
  }
}

/// Any thread may read.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  [[nodiscard]] virtual bool has(Role role, Part part) const = 0;
  /// Fills `values` with the tensor of a role (and a block, where it has one): row-major, weights [out, in].
  /// Integers are multiplied by their scales.
  virtual void read(Role role, Part part, std::size_t block, std::span<float> values) const = 0;
  /// The same values in place, if the file holds them in this form; else empty.
  [[nodiscard]] virtual std::span<const float> in_place(Role role, Part part, std::size_t block) const;
  /// Releases the memory that reading has taken.
  virtual void forget() const noexcept {}
  /// What `fovea quantize` stored a weight in; none: it did not write the checkpoint.
  [[nodiscard]] virtual std::optional<Precision> stored_in(Role role, std::size_t block) const;
  /// For a weight that is stored in int8: the integers [out, in] and the scale of each output, [out].
  virtual void read_integers(Role role, std::size_t block, std::span<std::int8_t> integers,
                             std::span<float> scales) const;
};

/// The values of read() in memory of their own; none where the source has no such tensor.
[[nodiscard]] std::vector<float> read_values(const TensorSource& source, Role role, Part part, std::size_t block,
                                             std::size_t count);

/// A checkpoint whose tensors have been checked against the family. All three must outlive the source.
[[nodiscard]] std::unique_ptr<TensorSource> checkpoint_source(const Checkpoint& checkpoint, const Naming& naming,
                                                              const Architecture& architecture);

/// Random and reproducible, of a size that keeps activations in a trained model's range. It has every tensor of the
/// architecture, in timm's form.
[[nodiscard]] std::unique_ptr<TensorSource> random_source(const Architecture& architecture, std::uint64_t seed);

}  // namespace fovea
