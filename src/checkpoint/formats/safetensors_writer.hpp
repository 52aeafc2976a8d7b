// Tensors to one safetensors file.
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
/// The same tensor, whatever format it comes from.
[[nodiscard]] StoredTensor stored_tensor(const TensorView& tensor);

/// Written beside its place and renamed into it when it is whole.
/// @param metadata  texts; what is no UTF-8 in them becomes U+FFFD
/// @throws Error    kOutput.
void write_safetensors(const std::filesystem::path& file, std::span<const StoredTensor> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace fovea
