// Writes tensors to one safetensors file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

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

/// Writes a temporary file and renames it into place once it is complete.
/// @param metadata  texts; bytes that are not UTF-8 become U+FFFD
/// @throws Error    kOutput.
void write_safetensors(const std::filesystem::path& file, std::span<const StoredTensor> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace fovea
