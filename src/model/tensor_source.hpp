// Where weights come from: tensors by what they are for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "fovea/model.hpp"
#include "model/family.hpp"

namespace fovea {

class TensorSource {
 public:
  virtual ~TensorSource() = default;
  [[nodiscard]] virtual bool has(Role role, Part part) const = 0;
  /// Fills `values` with the tensor of a role (and a block, where it has one): row-major, weights [out, in].
  virtual void read(Role role, Part part, std::size_t block, std::span<float> values) const = 0;
};

/// A checkpoint whose tensors have been checked against the family. Both must outlive the source.
[[nodiscard]] std::unique_ptr<TensorSource> checkpoint_source(const Checkpoint& checkpoint, const Naming& naming);

/// Random, reproducible, of the size that keeps activations in a trained model's range. What the architecture has is
/// there, in timm's form.
[[nodiscard]] std::unique_ptr<TensorSource> random_source(const Architecture& architecture, std::uint64_t seed);

}  // namespace fovea
