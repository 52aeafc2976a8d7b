// Writes tensors to one safetensors file.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/pending_file.hpp"
#include "checkpoint/checkpoint.hpp"

namespace fovea {

struct StoredTensor {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::size_t> shape;
  std::vector<std::byte> bytes;  // row-major, little-endian
};
/// A copy of the tensor, independent of the format it was read from.
[[nodiscard]] StoredTensor stored_tensor(const TensorView& tensor);

/// Appends all of the file; committing it is the caller's.
/// @param metadata  texts; bytes that are not UTF-8 become U+FFFD
/// @throws Error    kOutput.
void write_safetensors(PendingFile& file, std::span<const StoredTensor> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace fovea
