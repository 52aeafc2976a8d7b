// Small random Vision Transformers, as files and as values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "fovea/architecture.hpp"

namespace fovea::test {

struct TinyTensor {
  std::vector<std::size_t> shape;
  std::vector<float> values;
};
using TinyTensors = std::map<std::string, TinyTensor>;

/// A plain ViT with 10 classes and an MLP four times its width.
[[nodiscard]] Architecture tiny_vit(Size image_size = {32, 48}, std::size_t patch_size = 8, std::size_t embed_dim = 48,
                                    std::size_t depth = 3, std::size_t num_heads = 4);

/// Normally distributed values in place of a normalised picture.
/// @return  [3, height, width]
[[nodiscard]] std::vector<float> random_input(const Architecture& architecture, unsigned seed);

/// Tensors with timm's names whose attention is peaked and whose parameters all differ clearly from 0 and 1.
[[nodiscard]] TinyTensors make_tiny_tensors(const Architecture& architecture, std::uint64_t seed);

/// Writes these tensors as a safetensors file; dtype is F32, F16 or BF16 (values are truncated to it).
void write_safetensors(const std::filesystem::path& file, const TinyTensors& tensors, const std::string& dtype = "F32");
/// Writes any header before any payload, for damaged files.
void write_raw_safetensors(const std::filesystem::path& file, const std::string& header, std::size_t payload_bytes);

/// Writes timm's config.json for this architecture.
void write_config(const std::filesystem::path& file, const Architecture& architecture);

/// Writes model.safetensors and config.json in `folder`.
void write_tiny_model(const std::filesystem::path& folder, const Architecture& architecture,
                      const TinyTensors& tensors);

}  // namespace fovea::test
